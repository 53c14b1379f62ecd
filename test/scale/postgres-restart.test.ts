import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresProcess } from '../../scripts/postgres.mjs';
import { followAnswer, type MessagePartsFragment } from '../../src/client/index.js';
import { describeFleet, Fleet } from '../kit/fleet.js';
import type { Instance } from '../kit/instance.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

/** The pause between somebody's questions, in milliseconds. */
const PACE = 100;

/** PostgreSQL may have to recover, and the test has 90 seconds. */
const PATIENCE = 60_000;

/** Takes long enough that some answers are always in progress. */
async function* slowly(question: string): AsyncGenerator<string> {
  for (const token of ['You ', 'asked ', 'slowly: ', question]) {
    yield token;
    await sleep(PACE);
  }
}

/** A question that was answered with success, and what came of following its answer. */
interface Acknowledged {
  client: ApiClient;
  question: { id: string; content: string };
  answer: { id: string };
  followed: Promise<MessagePartsFragment>;
}

describeFleet('PostgreSQL restarts under load', () => {
  let postgres: PostgresProcess;
  let fleet: Fleet;
  let instances: Instance[];
  beforeAll(async () => {
    postgres = await PostgresProcess.start();
    fleet = await Fleet.open({ DATABASE_URL: postgres.url });
    fleet.provider.answer = slowly;
    // The first one makes the tables.
    instances = [await fleet.start(), await fleet.start()];
  });
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  test.each([
    ['is shut down', 'SIGINT'],
    ['is shut down as in a crash', 'SIGQUIT'],
  ] as const)(
    'no acknowledged question is lost where it %s, and nothing worse than UNAVAILABLE is told',
    async (_how, signal) => {
      const acknowledged: Acknowledged[] = [];
      const refused: unknown[] = [];
      let isOver = false;
      const askers = instances.flatMap((instance) =>
        Array.from({ length: 4 }, async (_, asker) => {
          const client = await fleet.user(instance);
          for (let i = 0; !isOver; i += 1) {
            const asked = client.ask(`Question ${i} of ${asker}`);
            await asked.then(
              ({ question, answer }) => {
                const followed = followAnswer(client.socket, answer.id);
                followed.catch(() => {});
                acknowledged.push({ client, question, answer, followed });
              },
              (error) => refused.push(error.response?.errors[0].extensions.code ?? error),
            );
            await sleep(PACE);
          }
        }),
      );
      const more = async (list: unknown[]) => {
        const enough = list.length + 20;
        await until(() => list.length >= enough, PATIENCE);
      };

      try {
        await more(acknowledged);
        await postgres.stop(signal);
        await Promise.all(instances.map((instance) => instance.ready(false, PATIENCE)));
        await more(refused);
        await postgres.start();
        await Promise.all(instances.map((instance) => instance.ready(true, PATIENCE)));
        await more(acknowledged);
      } finally {
        isOver = true;
      }
      await Promise.all(askers);

      expect(new Set(refused)).toEqual(new Set(['UNAVAILABLE']));
      for (const { client, question, answer, followed } of acknowledged) {
        expect((await client.message(question.id)).content).toBe(question.content);
        // First to its end: before that, what is stored may still be in progress.
        const told = await followed;
        const stored = await client.message(answer.id);
        expect(told).toMatchObject({ status: stored.status, content: stored.content });
        expect([stored.status, stored.error?.code]).toEqual(
          stored.status === 'COMPLETED' ? ['COMPLETED', undefined] : ['FAILED', 'INTERRUPTED'],
        );
      }
    },
    90_000,
  );
});
