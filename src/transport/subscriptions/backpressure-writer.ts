import type { Socket } from 'node:net';

/** How long a stalled reader is tolerated by default. */
export const STALL_TIMEOUT_MS = 30_000;

/** How much may be unsent on a connection by default. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/**
 * The backpressure of a connection, which counts what is unsent, no matter which protocol wrote it. It is ready until the
 * network falls behind, and again when everything has been sent, so the buffer holds at most what each subscription writes
 * while it is ready. The connection of a stalled reader is destroyed.
 */
export class BackpressureWriter {
  readonly #listeners = new Set<() => void>();
  #heldBytes = 0;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly stallTimeoutMs = STALL_TIMEOUT_MS,
    private readonly maxUnsentBytes = MAX_UNSENT_BYTES,
  ) {
    socket.on('drain', () => {
      this.#endWatch();
      const listeners = [...this.#listeners];
      this.#listeners.clear();
      for (const listener of listeners) listener();
    });
    socket.once('close', () => {
      this.#endWatch();
      this.#listeners.clear();
    });
  }

  get isReady(): boolean {
    return !this.socket.writableNeedDrain;
  }

  /** What the network has not accepted yet; strings count by their length. */
  get unsentBytes(): number {
    return this.socket.writableLength + this.#heldBytes;
  }

  /** Counts bytes as unsent that something else buffers before it writes them, until the result is disposed of. */
  hold(bytes: number): Disposable {
    this.#heldBytes += bytes;
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#heldBytes -= bytes;
        isHeld = false;
      },
    };
  }

  /**
   * A value that changes when the network has accepted some of what was written, even in the middle of a write; for that
   * it reads an internal property that Node.js uses for socket timeouts.
   */
  get progress(): string {
    const { _handle: handle } = this.socket as { _handle?: { writeQueueSize?: number } | null };
    return `${this.socket.bytesWritten - this.socket.writableLength} ${handle?.writeQueueSize}`;
  }

  /** Calls the listener once when it is ready again, even if it is added twice; never if the connection closes first. */
  whenReady(listener: () => void): void {
    this.watch();
    this.#listeners.add(listener);
  }

  /**
   * Returns whether another message may be written. Destroys the connection if more than the maximum is unsent. The
   * maximum does not include the message itself, so that a large result reaches a client that reads.
   */
  admits(): boolean {
    if (this.unsentBytes <= this.maxUnsentBytes) return !this.socket.destroyed;
    this.socket.destroy();
    return false;
  }

  /** Destroys the connection when the client reads nothing for the timeout, unless everything has been sent. */
  watch(): void {
    if (this.#stallTimer || this.socket.writableLength === 0) return;
    const before = this.progress;
    this.#stallTimer = setTimeout(() => {
      this.#stallTimer = undefined;
      if (this.progress === before) this.socket.destroy();
      else this.watch();
    }, this.stallTimeoutMs);
  }

  #endWatch(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = undefined;
  }
}
