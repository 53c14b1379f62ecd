import { countTokens } from './tokens.js';

/** The provider's tokenizer may count this share less than ours. */
const TOKEN_TOLERANCE = 1.1;

/** The maximum length of an answer with its reasoning, in UTF-16 code units. */
const MAX_ANSWER_LENGTH = 1_000_000;

/** Tokens are not counted again before this much more output, in UTF-16 code units. */
const MIN_COUNTED_LENGTH = 32;

/**
 * Enforces the limits of an answer, because some providers ignore the one that they are sent. Counting tokens costs more
 * than everything else that is done for a token: each is counted once, in few large pieces, and those of an answer with
 * fewer characters than its limit in tokens are not counted at all.
 */
export class OutputLimit {
  #isExceeded = false;
  #length = 0;
  #tokens = 0;
  #uncounted = '';
  #countAt: number;
  readonly #maxTokens: number;

  constructor(maxTokens: number) {
    this.#maxTokens = Math.ceil(maxTokens * TOKEN_TOLERANCE);
    this.#countAt = this.#maxTokens;
  }

  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  /** The length of what has been taken, in UTF-16 code units. */
  get length(): number {
    return this.#length;
  }

  /** Takes the next piece of the output. Returns the part of it that is within the limits. */
  take(text: string): string {
    if (this.#isExceeded) return '';
    const room = MAX_ANSWER_LENGTH - this.#length;
    this.#length += text.length;
    this.#uncounted += text;
    if (this.#uncounted.length >= this.#countAt) this.#count();
    if (text.length < room) return text;
    this.#isExceeded = true;
    return text.slice(0, room);
  }

  #count(): void {
    this.#tokens += countTokens(this.#uncounted);
    this.#uncounted = '';
    this.#isExceeded = this.#tokens > this.#maxTokens;
    this.#countAt = Math.max(MIN_COUNTED_LENGTH, this.#maxTokens - this.#tokens);
  }
}
