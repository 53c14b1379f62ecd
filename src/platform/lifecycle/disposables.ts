/** A stack of resources that are closed synchronously: the part of DisposableStack that is used here. */
export class DisposableList implements Disposable {
  readonly #closers: (() => unknown)[] = [];

  use(resource: Disposable): void {
    this.defer(() => resource[Symbol.dispose]());
  }

  defer(close: () => unknown): void {
    this.#closers.push(close);
  }

  [Symbol.dispose](): void {
    for (const close of this.#closers.splice(0).reverse()) close();
  }
}

/**
 * A stack of resources, closed in reverse order: the part of AsyncDisposableStack that is used here, which Node.js 22
 * lacks.
 */
export class Disposables implements AsyncDisposable {
  #closers: (() => unknown)[] = [];

  use<T extends Disposable | AsyncDisposable>(resource: T): T {
    this.defer(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()));
    return resource;
  }

  defer(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Moves all resources to a new stack; closing this one then does nothing. */
  move(): Disposables {
    const moved = new Disposables();
    moved.#closers = this.#closers;
    this.#closers = [];
    return moved;
  }

  /** Closes all resources, even if closing one of them fails. @throws the first failure */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
