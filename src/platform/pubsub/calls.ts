import { randomUUID } from 'node:crypto';
import { topic, type Bus, type Topic } from './bus.js';

/** How long an instance has to answer, in milliseconds: it may have gone away, and what is published may be lost. */
const PATIENCE = 5_000;

interface Asked<Q> {
  id: string;
  from: string;
  question: Q;
}

interface Answered<A> {
  id: string;
  answer: A;
}

/** Asks one instance of the server, by its id, and is answered. Both ways go over the bus, so both are plain JSON. */
export class Calls<Q, A> implements Disposable {
  /** This instance, for the others. */
  readonly instance = randomUUID();
  readonly #waiting = new Map<string, (answer: A) => void>();
  readonly #subscriptions: Disposable[];

  /** @param reply answers the others; where it throws, they wait in vain */
  constructor(
    private readonly bus: Bus,
    private readonly name: string,
    reply: (question: Q) => Promise<A>,
    private readonly patience = PATIENCE,
  ) {
    this.#subscriptions = [
      bus.subscribe(this.#asked(this.instance), ({ id, from, question }) => {
        reply(question).then(
          (answer) => bus.publish(this.#answered(from), { id, answer }),
          () => {},
        );
      }),
      bus.subscribe(this.#answered(this.instance), ({ id, answer }) => this.#waiting.get(id)?.(answer)),
    ];
  }

  /** Null where no answer has come in time: the instance may have done what it was asked all the same. */
  async ask(instance: string, question: Q): Promise<A | null> {
    const id = randomUUID();
    let deadline: NodeJS.Timeout | undefined;
    const answered = new Promise<A | null>((resolve) => {
      this.#waiting.set(id, resolve);
      deadline = setTimeout(resolve, this.patience, null);
    });
    this.bus.publish(this.#asked(instance), { id, from: this.instance, question });
    const answer = await answered;
    clearTimeout(deadline);
    this.#waiting.delete(id);
    return answer;
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
  }

  #asked(instance: string): Topic<Asked<Q>> {
    return topic(`${this.name}:${instance}:asked`);
  }

  #answered(instance: string): Topic<Answered<A>> {
    return topic(`${this.name}:${instance}:answered`);
  }
}
