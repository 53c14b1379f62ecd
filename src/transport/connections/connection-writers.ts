import type { Socket } from 'node:net';
import { BackpressureWriter } from '../subscriptions/backpressure-writer.js';

export interface UnsentLimits {
  /** What may be unsent on a connection, in bytes. */
  maxUnsentBytes: number;
  /** How long a client may read nothing while something is unsent. */
  stallTimeoutMs: number;
}

const SWEEP_INTERVAL_MS = 1_000;

/** How often operations, whose results may be large, have the connections looked at. */
const RELIEF_INTERVAL_MS = 100;

/** What may be unsent on all connections, as a multiple of the maximum of one. */
const MAX_FULL_CONNECTIONS = 32;

/**
 * The writers of all connections of the server. A sweep each second, and more often while operations are executed, finds
 * what was written without asking a writer first, such as HTTP responses: it closes connections whose client does not read,
 * and the worst ones while too much is unsent in all.
 */
export class ConnectionWriters implements Disposable {
  readonly #writers = new Map<Socket, BackpressureWriter>();
  readonly #interval: NodeJS.Timeout;
  /** The progress of the connections with unsent bytes at the last sweep of the interval. */
  #progress = new Map<Socket, string>();
  #lastSweep = 0;

  constructor(private readonly limits: UnsentLimits) {
    this.#interval = setInterval(() => (this.#progress = this.#sweep()), SWEEP_INTERVAL_MS).unref();
  }

  /** Returns the writer of a connection, which is created at the first call. */
  get(socket: Socket): BackpressureWriter {
    let writer = this.#writers.get(socket);
    if (!writer) {
      writer = new BackpressureWriter(socket, this.limits.stallTimeoutMs, this.limits.maxUnsentBytes);
      this.#writers.set(socket, writer);
      socket.once('close', () => this.#writers.delete(socket));
    }
    return writer;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#interval);
  }

  /** Sweeps, unless that has just been done. */
  relieve(): void {
    if (performance.now() - this.#lastSweep >= RELIEF_INTERVAL_MS) this.#sweep();
  }

  /** Returns the progress of the connections that have unsent bytes. */
  #sweep(): Map<Socket, string> {
    this.#lastSweep = performance.now();
    const behind: { socket: Socket; unsentBytes: number; isStalled: boolean }[] = [];
    const progress = new Map<Socket, string>();
    for (const [socket, writer] of this.#writers) {
      const { unsentBytes } = writer;
      if (unsentBytes === 0) continue;
      writer.watch();
      const current = writer.progress;
      progress.set(socket, current);
      behind.push({ socket, unsentBytes, isStalled: this.#progress.get(socket) === current });
    }
    let total = behind.reduce((sum, { unsentBytes }) => sum + unsentBytes, 0);
    const maxTotal = this.limits.maxUnsentBytes * MAX_FULL_CONNECTIONS;
    if (total <= maxTotal) return progress;
    behind.sort((a, b) => Number(b.isStalled) - Number(a.isStalled) || b.unsentBytes - a.unsentBytes);
    for (const { socket, unsentBytes } of behind) {
      if (total <= maxTotal) break;
      socket.destroy();
      total -= unsentBytes;
    }
    return progress;
  }
}
