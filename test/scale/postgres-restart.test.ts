import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresProcess } from '../../scripts/postgres.mjs';
import { followAnswer, type MessagePartsFragment } from '../../client/src/index.js';
import { describeFleet, Fleet } from '../kit/fleet.js';
import type { Instance } from '../kit/instance.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

/** The pause between the questions of a user. */
const QUESTION_INTERVAL_MS = 100;

/** Long enough for PostgreSQL to recover on a slow machine. */
const WAIT_TIMEOUT_MS = 120_000;

/** Slow enough that answers are in progress at any time. */
async function* slowly(question: string): AsyncGenerator<string> {
  for (const token of ['You ', 'asked ', 'slowly: ', question]) {
    yield token;
    await sleep(QUESTION_INTERVAL_MS);
  }
}

/** A question that the server has stored, and the result of following its answer. */
interface Acknowledged {
  client: ApiClient;
  question: { id: string; content: string };
  answer: { id: string };
  followed: Promise<MessagePartsFragment>;
}

describeFleet('a restart of PostgreSQL under load', () => {
  let postgres: PostgresProcess;
  let fleet: Fleet;
  let instances: Instance[];
  beforeAll(async () => {
    postgres = await PostgresProcess.start();
    fleet = await Fleet.open({ DATABASE_URL: postgres.url });
    fleet.provider.answer = slowly;
    // The first instance creates the tables.
    instances = [await fleet.start(), await fleet.start()];
  });
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  test.each([
    ['a fast shutdown', 'SIGINT'],
    ['a crash', 'SIGQUIT'],
  ] as const)(
    'after %s loses no acknowledged question and causes no error but UNAVAILABLE',
    async (_how, signal) => {
      const acknowledged: Acknowledged[] = [];
      const refused: unknown[] = [];
      let isStopped = false;
      // All before the first question: a registration is not tried again.
      const clients = await Promise.all(
        [...instances, ...instances, ...instances, ...instances].map((instance) => fleet.user(instance)),
      );
      const askers = clients.map(async (client, asker) => {
        for (let i = 0; !isStopped; i += 1) {
          const asked = client.ask(`Question ${i} of ${asker}`);
          await asked.then(
            ({ question, answer }) => {
              const followed = followAnswer(client.socket, answer.id);
              followed.catch(() => {});
              acknowledged.push({ client, question, answer, followed });
            },
            (error) => refused.push(error.response?.errors[0].extensions.code ?? error),
          );
          await sleep(QUESTION_INTERVAL_MS);
        }
      });
      const waitForMore = async (list: unknown[]) => {
        const target = list.length + 20;
        await until(() => list.length >= target, WAIT_TIMEOUT_MS);
      };

      try {
        await waitForMore(acknowledged);
        await postgres.stop(signal);
        await Promise.all(instances.map((instance) => instance.ready(false, WAIT_TIMEOUT_MS)));
        await waitForMore(refused);
        await postgres.start();
        await Promise.all(instances.map((instance) => instance.ready(true, WAIT_TIMEOUT_MS)));
        await waitForMore(acknowledged);
      } finally {
        isStopped = true;
      }
      await Promise.all(askers);

      expect(new Set(refused)).toEqual(new Set(['UNAVAILABLE']));
      for (const { client, question, answer, followed } of acknowledged) {
        expect((await client.message(question.id)).content).toBe(question.content);
        // Wait until it is finished: the stored message may be STREAMING before.
        const finished = await followed;
        const stored = await client.message(answer.id);
        expect(finished).toMatchObject({ status: stored.status, content: stored.content });
        expect([stored.status, stored.error?.code]).toEqual(
          stored.status === 'COMPLETED' ? ['COMPLETED', undefined] : ['FAILED', 'INTERRUPTED'],
        );
      }
    },
    400_000,
  );
});
