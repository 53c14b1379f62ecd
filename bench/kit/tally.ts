import { getTravelTime, TOKEN_LENGTH } from './token.js';
import type { OnText } from './sockets.js';

/** Checks and counts the tokens that all followers of a load receive. */
export class Tally {
  tokens = 0;
  #lags: number[] = [];
  #goal = Infinity;
  #reach = () => {};

  /** Returns the callback for one follower of one answer, from its first token. */
  follower(): OnText {
    let length = 0;
    return (offset, text) => {
      if (offset !== length) throw new Error(`Expected offset ${length}, received ${offset}.`);
      for (let at = 0; at < text.length; at += TOKEN_LENGTH) {
        const token = text.slice(at, at + TOKEN_LENGTH);
        const lag = getTravelTime(token, (offset + at) / TOKEN_LENGTH);
        if (lag === null) throw new Error(`Unexpected token "${token}" at offset ${offset + at}.`);
        this.#lags.push(lag);
      }
      length += text.length;
      this.tokens += text.length / TOKEN_LENGTH;
      if (this.tokens >= this.#goal) this.#reach();
    };
  }

  /** Resolves when the count of tokens reaches the given number. */
  reached(tokens: number): Promise<void> {
    this.#goal = tokens;
    return new Promise((resolve) => (this.#reach = resolve));
  }

  /** Resets the counts. */
  clear(): void {
    this.tokens = 0;
    this.#lags = [];
  }

  /** Returns a quantile of the latencies, in milliseconds. */
  lag(quantile: number): number {
    return this.#lags.toSorted((a, b) => a - b)[Math.floor(this.#lags.length * quantile)]!;
  }
}
