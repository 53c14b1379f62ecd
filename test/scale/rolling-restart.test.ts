import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { followAnswer } from '../../src/client/index.js';
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

/** What somebody goes through at the balancer. */
class Customer {
  followed = 0;
  retries = 0;
  isEnough = false;

  constructor(private readonly client: ApiClient) {}

  /** Asks, and follows the answer to its end, again and again. */
  async askAlways(): Promise<void> {
    while (!this.isEnough) {
      const question = `Question ${this.followed}?`;
      const { answer } = await this.#ask(question);
      let text = '';
      const finished = await followAnswer(this.client.socket, answer.id, { onText: (soFar) => (text = soFar) });
      const content = `You asked, while instances come and go: ${question}`;
      expect(finished).toMatchObject({ status: 'COMPLETED', content });
      expect(text).toBe(content);
      expect(await this.#again(() => this.client.message(answer.id))).toMatchObject({ status: 'COMPLETED', content });
      this.followed += 1;
    }
  }

  /** With one request id, however often it takes. */
  #ask(question: string) {
    const requestId = randomUUID();
    return this.#again(() => this.client.ask(question, { requestId }));
  }

  /** Whatever finds nobody who takes it may be sent again. */
  async #again<T>(send: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await send();
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.retries += 1;
        await sleep(50);
      }
    }
  }
}

/** UNAVAILABLE, or a connection that was refused or cut. */
const isPassing = (error: unknown): boolean => {
  const { response } = error as { response?: { errors?: { extensions: { code: string } }[] } };
  if (!response) return error instanceof TypeError;
  return response.errors?.every(({ extensions }) => extensions.code === 'UNAVAILABLE') ?? false;
};

/** Many share the machine here, and the test has 90 seconds. */
const PATIENCE = 60_000;

describeFleet('a rolling restart', () => {
  test('of three instances under load: no question fails, every answer is followed to its end', async () => {
    await using fleet = await Fleet.open({ SHUTDOWN_GRACE: '20s' });
    fleet.provider.answer = slowly;
    const instances = [await fleet.start(), await fleet.start(), await fleet.start()];
    await using balancer = await Balancer.start(instances.map(({ url }) => url));
    balancer.checkReadiness();
    const customers = await Promise.all(
      Array.from({ length: 12 }, async () => new Customer(await fleet.user(balancer))),
    );
    const load = Promise.all(customers.map((customer) => customer.askAlways()));
    /** Until everybody has been through it twice more, unless somebody fails. */
    const steady = async () => {
      const enough = customers.map(({ followed }) => followed + 2);
      const isSteady = () => customers.every(({ followed, isEnough }, i) => isEnough || followed >= enough[i]!);
      await Promise.race([until(isSteady, PATIENCE), load]);
    };

    try {
      await steady();
      for (const [i, old] of instances.entries()) {
        expect(await old.stop()).toBe(0);
        balancer.targets[i] = (await fleet.start()).url;
        await steady();
      }
    } finally {
      for (const customer of customers) customer.isEnough = true;
    }
    await load;
    // There is nothing to try again but what meets an instance that was just told to end.
    const sum = (key: 'followed' | 'retries') => customers.reduce((total, customer) => total + customer[key], 0);
    expect(sum('retries')).toBeLessThan(sum('followed'));
  }, 90_000);
});
