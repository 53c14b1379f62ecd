import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/** How long a reader that takes nothing at all is borne with, in milliseconds. */
export const PATIENCE = 30_000;

/**
 * Changes whenever the network has taken some of what was written, also of a write that is under way; Node.js tells the
 * latter to itself alone, for its sockets' timeouts.
 */
export function progressOf(stream: Writable): string {
  const socket = (stream instanceof ServerResponse ? stream.socket : stream) as Partial<Socket> & {
    _handle?: { writeQueueSize?: number } | null;
  };
  return `${(socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0)} ${socket?._handle?.writeQueueSize}`;
}

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
    if (this.#waiting.size === 0) this.#bear();
    this.#waiting.add(listener);
  }

  #bear(): void {
    const before = progressOf(this.stream);
    this.#impatience = setTimeout(() => {
      if (progressOf(this.stream) === before) this.stream.destroy();
      else this.#bear();
    }, this.patience);
  }
}
