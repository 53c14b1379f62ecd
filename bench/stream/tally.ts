import { TOKEN_LENGTH, travelTime } from './token.js';
import type { OnText } from './sockets.js';

/** Checks and counts the tokens that the followers of a load receive. */
export class Tally {
  tokens = 0;
  #lags: number[] = [];
  #goal = Infinity;
  #reach = () => {};

  /** One follower of one answer, from its beginning on. */
  follower(): OnText {
    let length = 0;
    return (offset, text) => {
      if (offset !== length) throw new Error(`Offset ${offset} where ${length} was due.`);
      for (let at = 0; at < text.length; at += TOKEN_LENGTH) {
        const token = text.slice(at, at + TOKEN_LENGTH);
        const lag = travelTime(token, (offset + at) / TOKEN_LENGTH);
        if (lag === null) throw new Error(`"${token}" does not belong at ${offset + at}.`);
        this.#lags.push(lag);
      }
      length += text.length;
      this.tokens += text.length / TOKEN_LENGTH;
      if (this.tokens >= this.#goal) this.#reach();
    };
  }

  /** Resolves when so many tokens are here, counted from the beginning. */
  reached(tokens: number): Promise<void> {
    this.#goal = tokens;
    return new Promise((resolve) => (this.#reach = resolve));
  }

  /** Begins to count anew. */
  clear(): void {
    this.tokens = 0;
    this.#lags = [];
  }

  /** How long a token was on its way, in milliseconds. */
  lag(share: number): number {
    return this.#lags.toSorted((a, b) => a - b)[Math.floor(this.#lags.length * share)]!;
  }
}
