import { setImmediate } from 'node:timers';
import type { Receiver } from '../platform/graphql/plain-events.js';
import { TextAssembler } from './text-assembler.js';
import { AnswerDelta, LONGEST_DELTA } from './answer-events.js';

/** Somebody who has the first `offset` UTF-16 code units of an answer, and wants the rest. */
interface Follower {
  offset: number;
  receiver: Receiver<AnswerDelta>;
  serve: () => void;
  leave: () => void;
}

/**
 * An answer while it is generated: a growing string. A follower holds an offset into it and takes what lies beyond,
 * whenever it is ready for more: at once while it keeps up, merged while it does not. So nothing is queued for a
 * follower, replay and live are one path, and there is no seam between them.
 */
export class LiveAnswer {
  readonly #assembler = new TextAssembler();
  #text = '';
  /** The end of the text that came since the last flush: what those who keep up are given, without cutting the text. */
  #news = '';
  #ended = false;
  readonly #followers = new Set<Follower>();
  #flushing = false;
  /** Followers at the same offset are given the same delta, which is then rendered once for all of them. */
  #latest: AnswerDelta | null = null;

  constructor(readonly id: string) {}

  /** What can be shown so far; never ends in half of a surrogate pair. */
  get text(): string {
    return this.#text;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  append(piece: string): void {
    this.#grow(this.#assembler.add(piece));
  }

  /** No more text will come. Returns the whole text. Followers are let go by `end`, once it is stored. */
  complete(): string {
    this.#grow(this.#assembler.end());
    return this.#text;
  }

  /** Lets the followers go: what became of the answer is in the database. */
  end(): void {
    this.#ended = true;
    this.#flushSoon();
  }

  /**
   * Hands the receiver what lies beyond `offset`, and all that comes, while it is ready. Resolves with where it then
   * stands: once the answer has ended and it has everything, or the signal aborts.
   */
  relay(offset: number, receiver: Receiver<AnswerDelta>, signal: AbortSignal): Promise<number> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(offset);
      const follower: Follower = {
        offset,
        receiver,
        serve: () => this.#serve(follower),
        leave: () => {
          this.#followers.delete(follower);
          signal.removeEventListener('abort', follower.leave);
          resolve(follower.offset);
        },
      };
      this.#followers.add(follower);
      signal.addEventListener('abort', follower.leave);
      follower.serve();
    });
  }

  /** What lies beyond `offset`, as soon as there is something; null once the answer has ended, or the signal aborts. */
  async next(offset: number, signal: AbortSignal): Promise<AnswerDelta | null> {
    let delta: AnswerDelta | null = null;
    const enough = new AbortController();
    const take = (first: AnswerDelta) => {
      delta = first;
      enough.abort();
    };
    await this.relay(offset, { isReady: true, take, whenReady: () => {} }, AbortSignal.any([signal, enough.signal]));
    return delta;
  }

  #grow(text: string): void {
    this.#text += text;
    this.#news += text;
    this.#latest = null;
    this.#flushSoon();
  }

  /** Once an event-loop turn: a token leaves at once when the server is idle, and merges with others under load. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      for (const follower of this.#followers) follower.serve();
      this.#news = '';
      this.#latest = null;
    });
  }

  #serve(follower: Follower): void {
    if (!this.#followers.has(follower)) return;
    const { receiver } = follower;
    while (follower.offset < this.#text.length) {
      if (!receiver.isReady) return receiver.whenReady(follower.serve);
      const delta = this.#beyond(follower.offset);
      follower.offset = delta.end;
      receiver.take(delta);
      if (!this.#followers.has(follower)) return;
    }
    if (this.#ended) follower.leave();
  }

  #beyond(offset: number): AnswerDelta {
    if (this.#latest?.offset === offset) return this.#latest;
    const keepsUp = offset === this.#text.length - this.#news.length && this.#news.length <= LONGEST_DELTA;
    return (this.#latest = keepsUp
      ? new AnswerDelta(offset, this.#news, this.#text)
      : AnswerDelta.from(this.#text, offset)!);
  }
}
