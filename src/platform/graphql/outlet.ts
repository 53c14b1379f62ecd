import type { Writable } from 'node:stream';

/** How long a reader that takes nothing at all is borne with, in milliseconds. */
export const PATIENCE = 30_000;

/**
 * The sending end of a connection, as those see it who share it: ready until the network falls behind, and ready again
 * once it has taken everything. What each of them sends while it is ready is the most that is ever buffered. A reader
 * that takes nothing for too long is cut.
 */
export class Outlet {
  readonly #waiting = new Set<() => void>();
  #impatience: NodeJS.Timeout | undefined;

  constructor(
    private readonly stream: Writable,
    private readonly patience = PATIENCE,
  ) {
    stream.on('drain', () => {
      clearTimeout(this.#impatience);
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const listener of waiting) listener();
    });
    stream.once('close', () => {
      clearTimeout(this.#impatience);
      this.#waiting.clear();
    });
  }

  get isReady(): boolean {
    return !this.stream.writableNeedDrain;
  }

  /** Calls the listener once it is ready again, the same one at most once; never, where the connection is lost before. */
  whenReady(listener: () => void): void {
    if (this.#waiting.size === 0) this.#impatience = setTimeout(() => this.stream.destroy(), this.patience);
    this.#waiting.add(listener);
  }
}
