import { setImmediate } from 'node:timers';
import type { Receiver } from '../platform/graphql/renderable-event.js';
import { AnswerDelta, ReasoningDelta, type Delta } from './answer-event.types.js';
import { GrowingText } from './growing-text.js';

/** The lengths of the texts that a follower has, in UTF-16 code units. */
export interface Progress {
  text: number;
  reasoning: number;
}

/** More reasoning than this, in UTF-16 code units, is dropped: it is shown and stored, but not needed for anything. */
const MAX_REASONING_LENGTH = 200_000;

/** A reader that is sent what lies beyond its progress. */
interface Follower {
  progress: Progress;
  receiver: Receiver<Delta>;
  deliver: () => void;
  detach: () => void;
}

/**
 * The growing text of an answer that is being generated, and its reasoning. A follower holds its progress in both and
 * takes what lies beyond it whenever it is ready: immediately while it keeps up, merged into larger deltas while it does
 * not. So nothing is queued per follower, and replay and live delivery are one code path without a seam between them.
 */
export class LiveAnswer {
  readonly #text: GrowingText<AnswerDelta>;
  readonly #reasoning: GrowingText<ReasoningDelta>;
  #isFinished = false;
  readonly #followers = new Set<Follower>();
  #isFlushScheduled = false;

  /**
   * @param beginning what an answer that is continued consists of so far
   * @param onFirstText called when the first text arrives
   */
  constructor(
    readonly id: string,
    beginning: { content: string; reasoning: string } | null = null,
    private readonly onFirstText: () => void = () => {},
  ) {
    this.#text = new GrowingText(AnswerDelta, beginning?.content);
    this.#reasoning = new GrowingText(ReasoningDelta, beginning?.reasoning);
  }

  /** The text so far; it never ends inside a surrogate pair. */
  get text(): string {
    return this.#text.whole;
  }

  /** The reasoning so far. */
  get reasoning(): string {
    return this.#reasoning.whole;
  }

  /** Whether the answer is stored, so that followers need nothing more from here. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** When the first text arrived, in the time of `performance.now()`. */
  firstTextAt: number | null = null;

  append(piece: string): void {
    if (this.firstTextAt === null) {
      this.firstTextAt = performance.now();
      this.onFirstText();
    }
    this.#text.append(piece);
    this.#scheduleFlush();
  }

  appendReasoning(piece: string): void {
    const room = MAX_REASONING_LENGTH - this.#reasoning.whole.length;
    if (room <= 0) return;
    this.#reasoning.append(piece.length <= room ? piece : piece.slice(0, room));
    this.#scheduleFlush();
  }

  /** Marks the texts as complete. Followers stay until `finish`, which follows once the answer is stored. */
  complete(): void {
    this.#reasoning.complete();
    this.#text.complete();
    this.#scheduleFlush();
  }

  /** Releases the followers when they have received everything. The outcome of the answer is then in the database. */
  finish(): void {
    this.#isFinished = true;
    this.#scheduleFlush();
  }

  /**
   * Pushes what lies beyond `progress`, and all that follows, to the receiver while it is ready, and advances `progress`.
   * Resolves when the answer is finished and everything is delivered, or when the signal aborts.
   */
  relay(progress: Progress, receiver: Receiver<Delta>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const follower: Follower = {
        progress,
        receiver,
        deliver: () => this.#deliver(follower),
        detach: () => {
          this.#followers.delete(follower);
          signal.removeEventListener('abort', follower.detach);
          resolve();
        },
      };
      this.#followers.add(follower);
      signal.addEventListener('abort', follower.detach);
      follower.deliver();
    });
  }

  /**
   * Resolves with the next delta beyond `progress`, which is advanced, or with null when the answer is finished or the
   * signal aborts.
   */
  async next(progress: Progress, signal: AbortSignal): Promise<Delta | null> {
    let delta: Delta | null = null;
    const received = new AbortController();
    const take = (first: Delta) => {
      delta = first;
      received.abort();
    };
    const receiver = { isReady: true, take, whenReady: () => {} };
    await this.relay(progress, receiver, AbortSignal.any([signal, received.signal]));
    return delta;
  }

  /** Flushes once per event-loop turn: tokens are sent immediately on an idle server and are merged under load. */
  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      for (const follower of this.#followers) follower.deliver();
      this.#text.flush();
      this.#reasoning.flush();
    });
  }

  #deliver(follower: Follower): void {
    if (!this.#followers.has(follower)) return;
    const { receiver, progress } = follower;
    for (let part = this.#findNext(progress); part; part = this.#findNext(progress)) {
      if (!receiver.isReady) return receiver.whenReady(follower.deliver);
      const delta = part.deltaFrom(progress[part === this.#text ? 'text' : 'reasoning']);
      progress[delta.part] = delta.end;
      receiver.take(delta);
      if (!this.#followers.has(follower)) return;
    }
    if (this.#isFinished) follower.detach();
  }

  /** Returns the text that a follower does not have completely: reasoning comes before the text. */
  #findNext({ text, reasoning }: Progress): GrowingText<Delta> | null {
    if (reasoning < this.#reasoning.whole.length) return this.#reasoning;
    return text < this.#text.whole.length ? this.#text : null;
  }
}
