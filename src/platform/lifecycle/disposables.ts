/** The same for what closes at once. */
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

/** What has been opened, to be closed in reverse order: the part of AsyncDisposableStack that we use, which Node.js 22 lacks. */
export class Disposables implements AsyncDisposable {
  #closers: (() => unknown)[] = [];

  use<T extends Disposable | AsyncDisposable>(resource: T): T {
    this.defer(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()));
    return resource;
  }

  defer(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Hands everything over to somebody who will close it; closing this one then does nothing. */
  move(): Disposables {
    const moved = new Disposables();
    moved.#closers = this.#closers;
    this.#closers = [];
    return moved;
  }

  /** Closes everything, also when closing something fails. @throws the first failure */
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
