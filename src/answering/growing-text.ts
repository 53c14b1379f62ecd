import { createDelta, MAX_DELTA_LENGTH, type Delta } from './answer-event.types.js';
import { TextAssembler } from './text-assembler.js';

/** A text that grows, and the deltas that followers take from it. */
export class GrowingText<D extends Delta> {
  readonly #assembler = new TextAssembler();
  #whole: string;
  /** The text since the last flush: followers that keep up receive it as it is, without slicing `#whole`. */
  #unflushed = '';
  /** Followers at the same offset share one delta, which is then rendered once for all of them. */
  #sharedDelta: D | null = null;

  constructor(
    private readonly type: new (offset: number, text: string, textSoFar: string) => D,
    initial = '',
  ) {
    this.#whole = initial;
  }

  /** The text so far; it never ends inside a surrogate pair. */
  get whole(): string {
    return this.#whole;
  }

  append(piece: string): void {
    this.#grow(this.#assembler.add(piece));
  }

  /** Adds what the last piece has left incomplete. */
  complete(): void {
    this.#grow(this.#assembler.end());
  }

  /** Call after the followers have received the text so far. */
  flush(): void {
    this.#unflushed = '';
    this.#sharedDelta = null;
  }

  /** Returns the text beyond `offset`, which is less than the length of the text. */
  deltaFrom(offset: number): D {
    if (this.#sharedDelta?.offset === offset) return this.#sharedDelta;
    const keepsUp =
      offset === this.#whole.length - this.#unflushed.length && this.#unflushed.length <= MAX_DELTA_LENGTH;
    return (this.#sharedDelta = keepsUp
      ? new this.type(offset, this.#unflushed, this.#whole)
      : createDelta(this.type, this.#whole, offset)!);
  }

  #grow(text: string): void {
    this.#whole += text;
    this.#unflushed += text;
    this.#sharedDelta = null;
  }
}
