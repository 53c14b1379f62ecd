import { setImmediate } from 'node:timers';
import { TextAssembler } from './text-assembler.js';
import { AnswerDelta } from './answer-events.js';

/**
 * An answer while it is generated: a growing string. A follower holds an offset into it and takes what lies beyond,
 * whenever it is ready for more: at once while it keeps up, merged while it does not. So nothing is queued for a
 * follower, replay and live are one path, and there is no seam between them.
 */
export class LiveAnswer {
  readonly #assembler = new TextAssembler();
  #text = '';
  #ended = false;
  /** The followers that have everything, and wait for more. */
  #waiting = new Set<() => void>();
  #flushing = false;

  constructor(readonly id: string) {}

  /** What can be shown so far; never ends in half of a surrogate pair. */
  get text(): string {
    return this.#text;
  }

  append(piece: string): void {
    this.#text += this.#assembler.add(piece);
    this.#wake();
  }

  /** No more text will come. Returns the whole text. Followers are let go by `end`, once it is stored. */
  complete(): string {
    this.#text += this.#assembler.end();
    this.#wake();
    return this.#text;
  }

  /** Lets the followers go: what became of the answer is in the database. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** What lies beyond `offset`, as soon as there is something; null once the answer has ended, or the signal aborts. */
  async next(offset: number, signal: AbortSignal): Promise<AnswerDelta | null> {
    while (!signal.aborted) {
      const delta = AnswerDelta.from(this.#text, offset);
      if (delta || this.#ended) return delta;
      await this.#changed(signal);
    }
    return null;
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  /** Once an event-loop turn: a token leaves at once when the server is idle, and merges with others under load. */
  #wake(): void {
    if (this.#flushing || this.#waiting.size === 0) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      for (const wake of this.#waiting) wake();
    });
  }
}
