/** In how many seconds a spent budget is full again. */
const REFILL_SECONDS = 16;

/** How long a subscription waits at least when its budget is spent, so that events are merged meanwhile. */
const MIN_WAIT_SECONDS = 0.25;

/**
 * The bytes that a subscription may send. The events of an answer may repeat its whole text, so their size grows with
 * the square of its length. When the budget is spent, the subscription pauses until it is refilled, and its events are
 * merged; none is lost.
 */
export class SendBudget implements Disposable {
  #available: number;
  #spentSince = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly maxBytes: number) {
    this.#available = maxBytes;
  }

  get isReady(): boolean {
    return this.#available > 0;
  }

  spend(bytes: number): void {
    if (this.#available === this.maxBytes) this.#spentSince = performance.now();
    this.#available -= bytes;
  }

  /** Calls the listener once when the budget is refilled, even if it is added twice; never after it is disposed of. */
  whenReady(listener: () => void): void {
    this.#listeners.add(listener);
    if (this.#timer) return;
    const perSecond = this.maxBytes / REFILL_SECONDS;
    const now = performance.now();
    const refilled = this.#available + ((now - this.#spentSince) / 1_000) * perSecond;
    this.#available = Math.min(refilled, this.maxBytes);
    this.#spentSince = now;
    const waitSeconds = Math.max(MIN_WAIT_SECONDS, -this.#available / perSecond);
    this.#timer = setTimeout(() => this.#release(), waitSeconds * 1_000).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #release(): void {
    this.#timer = undefined;
    this.#available = Math.max(this.#available, 0) + (this.maxBytes / REFILL_SECONDS) * MIN_WAIT_SECONDS;
    this.#spentSince = performance.now();
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}
