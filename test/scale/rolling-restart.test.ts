import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { followAnswer } from '../../client/src/index.js';
import { Balancer } from '../kit/balancer.js';
import { describeFleet, Fleet } from '../kit/fleet.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

/** Takes about a second. */
async function* slowly(question: string): AsyncGenerator<string> {
  for (const token of ['You ', 'asked, ', 'while ', 'instances ', 'come ', 'and ', 'go: ', question]) {
    yield token;
    await sleep(120);
  }
}

/** A user who asks questions through the balancer. */
class Customer {
  followed = 0;
  retries = 0;
  isStopped = false;

  constructor(private readonly client: ApiClient) {}

  /** Asks questions and follows their answers until it is stopped. */
  async askRepeatedly(): Promise<void> {
    while (!this.isStopped) {
      const question = `Question ${this.followed}?`;
      const { answer } = await this.#ask(question);
      let text = '';
      const finished = await followAnswer(this.client.socket, answer.id, { onText: (soFar) => (text = soFar) });
      const content = `You asked, while instances come and go: ${question}`;
      expect(finished).toMatchObject({ status: 'COMPLETED', content });
      expect(text).toBe(content);
      expect(await this.#retry(() => this.client.message(answer.id))).toMatchObject({ status: 'COMPLETED', content });
      this.followed += 1;
    }
  }

  /** Retries with the same request id. */
  #ask(question: string) {
    const requestId = randomUUID();
    return this.#retry(() => this.client.ask(question, { requestId }));
  }

  async #retry<T>(send: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await send();
      } catch (error) {
        if (!isTransient(error)) throw error;
        this.retries += 1;
        await sleep(50);
      }
    }
  }
}

/** UNAVAILABLE, or a refused or closed connection. */
const isTransient = (error: unknown): boolean => {
  const { response } = error as { response?: { errors?: { extensions: { code: string } }[] } };
  // The TypeError of fetch is not that of Jest's context.
  if (!response) return (error as Error).name === 'TypeError';
  return response.errors?.every(({ extensions }) => extensions.code === 'UNAVAILABLE') ?? false;
};

/** Long enough for a slow machine. */
const WAIT_TIMEOUT_MS = 120_000;

describeFleet('a rolling restart', () => {
  test('of three instances under load loses no question, and every answer is followed until it is finished', async () => {
    await using fleet = await Fleet.open({ SHUTDOWN_GRACE: '20s' });
    fleet.provider.answer = slowly;
    const instances = [await fleet.start(), await fleet.start(), await fleet.start()];
    await using balancer = await Balancer.start(instances.map(({ url }) => url));
    balancer.checkReadiness();
    const customers = await Promise.all(
      Array.from({ length: 12 }, async () => new Customer(await fleet.user(balancer))),
    );
    const load = Promise.all(customers.map((customer) => customer.askRepeatedly()));
    /** Waits until every customer has followed two more answers, or one has failed. */
    const waitForProgress = async () => {
      const targets = customers.map(({ followed }) => followed + 2);
      const hasProgress = () => customers.every(({ followed, isStopped }, i) => isStopped || followed >= targets[i]!);
      await Promise.race([until(hasProgress, WAIT_TIMEOUT_MS), load]);
    };

    try {
      await waitForProgress();
      for (const [i, old] of instances.entries()) {
        expect(await old.stop()).toBe(0);
        balancer.targets[i] = (await fleet.start()).url;
        await waitForProgress();
      }
    } finally {
      for (const customer of customers) customer.isStopped = true;
    }
    await load;
    // Only requests to an instance that has just begun to shut down are retried.
    const sum = (key: 'followed' | 'retries') => customers.reduce((total, customer) => total + customer[key], 0);
    expect(sum('retries')).toBeLessThan(sum('followed'));
  }, 600_000);
});
