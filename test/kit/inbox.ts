/** A queue of received items, so that tests wait for the next item and not for time. */
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

  /** Returns the next item, or null if the inbox is closed. @throws the error passed to `fail` */
  async next(): Promise<T | null> {
    for (;;) {
      if (this.#read < this.all.length) return this.all[this.#read++]!;
      if (this.#error) throw this.#error;
      if (this.#closed) return null;
      await this.#wake.promise;
    }
  }

  /** Waits until the inbox is closed. Returns all items since the beginning. */
  async rest(): Promise<T[]> {
    while ((await this.next()) !== null);
    return this.all;
  }

  #signal(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
