/** The promises that have not settled yet. */
export class TaskSet {
  readonly #tasks = new Set<Promise<unknown>>();

  get size(): number {
    return this.#tasks.size;
  }

  /** @param task must handle its own errors */
  add(task: Promise<unknown>): void {
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task));
  }

  /** Adds a task that is done when the returned object is disposed of. */
  open(): Disposable {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.add(promise);
    return { [Symbol.dispose]: resolve };
  }

  /** Resolves when all tasks have settled, including those that are added meanwhile. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.allSettled(this.#tasks);
  }
}
