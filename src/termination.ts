/**
 * One request to end often arrives as several signals: npm and scripts/node.mjs forward a signal that a terminal or a
 * service manager has sent to the whole process group. A SIGINT after this time is a second Ctrl-C.
 */
const SAME_REQUEST_MS = 1_000;

/** Handles SIGINT and SIGTERM: ends the process during the start, and drains the server afterwards. */
export class Termination {
  #requestedAt: number | null = null;
  #drain = (): void => process.exit(0);

  /** Create it first: the first process of a container ignores signals that it does not handle. */
  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#receive(signal));
  }

  /** Calls `drain` on the first signal, instead of ending the process. */
  drainWith(drain: () => void): void {
    this.#drain = drain;
  }

  #receive(signal: 'SIGINT' | 'SIGTERM'): void {
    if (this.#requestedAt === null) {
      this.#requestedAt = performance.now();
      this.#drain();
    } else if (signal === 'SIGINT' && performance.now() - this.#requestedAt > SAME_REQUEST_MS) {
      // Only a second SIGINT ends a drain: a service manager sends SIGKILL when its timeout expires.
      process.exit(1);
    }
  }
}
