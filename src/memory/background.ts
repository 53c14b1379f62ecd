/** How long the work may take that nobody waits for, in milliseconds. */
const LONGEST = 5 * 60_000;

/** Work beside the answers: bounded in time, and ended when the server is. */
export class Background implements AsyncDisposable {
  readonly #stopped = new AbortController();
  readonly #running = new Set<Promise<void>>();

  /** @param work handles its own errors */
  run(work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#stopped.signal.aborted) return;
    const running = work(AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(LONGEST)]));
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  /** Resolves when nothing is being done any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.idle();
  }
}
