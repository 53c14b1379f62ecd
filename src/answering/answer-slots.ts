import { randomUUID } from 'node:crypto';
import { TooManyAnswersError } from './answering.errors.js';

/** Counts the slots of each user over all instances. */
export interface SharedSlots {
  /** Takes a slot; false if the user has `limit` slots. Returns true while the count is unavailable. */
  take(userId: string, slotId: string, limit: number): Promise<boolean>;
  release(userId: string, slotId: string): void;
}

/** A place for an answer. Disposing of it frees the place, unless an answer keeps it. */
export interface AnswerSlot extends Disposable {
  /** Keeps the slot until the promise settles. */
  keepUntil(finished: Promise<void>): void;
}

/** Limits the answers that are generated at once: per user over all instances, and in total at this instance. */
export class AnswerSlots {
  readonly #countByUser = new Map<string, number>();
  #total = 0;

  constructor(
    private readonly limits: { perUser: number; perInstance: number },
    /** Null with a single instance. */
    private readonly shared: SharedSlots | null,
  ) {}

  /** @throws TooManyAnswersError */
  async take(userId: string): Promise<AnswerSlot> {
    const { perUser, perInstance } = this.limits;
    if (this.#total >= perInstance) throw TooManyAnswersError.onServer();
    if ((this.#countByUser.get(userId) ?? 0) >= perUser) throw TooManyAnswersError.ofUser(perUser);
    // Counted before the other instances are asked, so that concurrent requests do not pass together.
    this.#count(userId, 1);
    const slotId = randomUUID();
    if (this.shared && !(await this.shared.take(userId, slotId, perUser))) {
      this.#count(userId, -1);
      throw TooManyAnswersError.ofUser(perUser);
    }
    const release = () => {
      this.#count(userId, -1);
      this.shared?.release(userId, slotId);
    };
    let isKept = false;
    return {
      keepUntil(finished) {
        isKept = true;
        void finished.finally(release);
      },
      [Symbol.dispose]() {
        if (!isKept) release();
      },
    };
  }

  #count(userId: string, change: 1 | -1): void {
    this.#total += change;
    const count = (this.#countByUser.get(userId) ?? 0) + change;
    if (count > 0) this.#countByUser.set(userId, count);
    else this.#countByUser.delete(userId);
  }
}
