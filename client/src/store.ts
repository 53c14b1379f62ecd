/** What can be observed. Fits `useSyncExternalStore` of React and the stores of other frameworks. */
export interface Observable<T> {
  /** Calls the listener after each change. Returns a function that ends it. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Returns the current state: an immutable object, which is a new one only after a change. */
  readonly getSnapshot: () => T;
}

/** A value that can be observed. */
export class Store<T> implements Observable<T> {
  readonly #listeners = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  // Properties, because frameworks call them without `this`.
  readonly getSnapshot = (): T => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    // A wrapper, so that the same function can subscribe twice.
    const entry = () => listener();
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  };
}
