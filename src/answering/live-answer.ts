import { setImmediate } from 'node:timers';
import type { Receiver } from '../platform/graphql/renderable-event.js';
import { AnswerDelta, ReasoningDelta, type AnswerItem, type Delta } from './answer-event.types.js';
import { GrowingText } from './growing-text.js';

/** What a follower has: the lengths of the texts in UTF-16 code units, and the number of the last change of an item. */
export interface Progress {
  text: number;
  reasoning: number;
  items: number;
}

interface StoredItem {
  item: AnswerItem;
  /** Grows with each state of an item, at the instance that generates the answer. */
  revision: number;
  /** The number of the change here. */
  change: number;
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
 * The growing text of an answer that is being generated, its reasoning, and its items: look-ups. A follower holds its progress in both and
 * takes what lies beyond it whenever it is ready: immediately while it keeps up, merged into larger deltas while it does
 * not. So nothing is queued per follower, and replay and live delivery are one code path without a seam between them.
 */
export class LiveAnswer {
  readonly #text: GrowingText<AnswerDelta>;
  readonly #reasoning: GrowingText<ReasoningDelta>;
  /** By id, the last changed ones at the end. */
  readonly #items = new Map<string, StoredItem>();
  #changes = 0;
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

  /** The items in their present states. */
  get items(): AnswerItem[] {
    return [...this.#items.values()].map(({ item }) => item);
  }

  /**
   * Adds an item, or replaces its state.
   * @param revision at another instance than the one that generates the answer: the item's there. Older ones are ignored.
   */
  setItem(item: AnswerItem, revision = this.#changes + 1): void {
    const known = this.#items.get(item.id);
    if (known && known.revision >= revision) return;
    this.#items.delete(item.id);
    this.#changes += 1;
    this.#items.set(item.id, { item, revision, change: this.#changes });
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
   * Pushes the text beyond `progress`, and all that follows, to the receiver while it is ready, and advances `progress`.
   * Resolves when an item has changed and all text is delivered: `next` returns it. Also resolves when the answer is
   * finished and everything is delivered, or when the signal aborts.
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
   * Resolves with the next delta or changed item beyond `progress`, which is advanced, or with null when the answer is
   * finished or the signal aborts.
   */
  async next(progress: Progress, signal: AbortSignal): Promise<Delta | AnswerItem | null> {
    let delta: Delta | null = null;
    const received = new AbortController();
    const take = (first: Delta) => {
      delta = first;
      // With a reason, no error is created.
      received.abort('received');
    };
    const receiver = { isReady: true, take, whenReady: () => {} };
    await this.relay(progress, receiver, AbortSignal.any([signal, received.signal]));
    if (delta || signal.aborted) return delta;
    const changed = this.#findItem(progress);
    if (!changed) return null;
    progress.items = changed.change;
    return changed.item;
  }

  /** Returns the item that has changed first since the follower's last one. */
  #findItem({ items }: Progress): StoredItem | null {
    if (items >= this.#changes) return null;
    return [...this.#items.values()].find(({ change }) => change > items) ?? null;
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
    if (this.#isFinished || this.#findItem(progress)) follower.detach();
  }

  /** Returns the text that a follower does not have completely: reasoning comes before the text. */
  #findNext({ text, reasoning }: Progress): GrowingText<Delta> | null {
    if (reasoning < this.#reasoning.whole.length) return this.#reasoning;
    return text < this.#text.whole.length ? this.#text : null;
  }
}
