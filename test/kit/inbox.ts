/** What has arrived, in order; tests wait for the next one instead of for time. */
export class Inbox<T> {
  readonly all: T[] = [];
  #read = 0;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();
  #error: unknown;
  #closed = false;

  push(item: T): void {
    this.all.push(item);
    this.#signal();
  }

  close(): void {
    this.#closed = true;
    this.#signal();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.#signal();
  }

  /** The next item; null once closed. Throws what it failed with. */
  async next(): Promise<T | null> {
    for (;;) {
      if (this.#read < this.all.length) return this.all[this.#read++]!;
      if (this.#error) throw this.#error;
      if (this.#closed) return null;
      await this.#wake.promise;
    }
  }

  /** Waits for the end, and gives everything that ever arrived. */
  async rest(): Promise<T[]> {
    while ((await this.next()) !== null);
    return this.all;
  }

  #signal(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
