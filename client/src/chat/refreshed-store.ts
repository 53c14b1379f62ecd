import { Store, type Observable } from '../store.js';

/** A state that is read from the server when something begins to observe it, and again when it may be outdated. */
export class RefreshedStore<T> implements Observable<T> {
  readonly #store: Store<T>;
  #subscribers = 0;
  #reading: Promise<void> | null = null;
  #mustReadAgain = false;

  constructor(
    initial: T,
    private readonly source: {
      /** Reads the state and sets it. It must not throw. */
      read: () => Promise<void>;
      /** Called when nothing observes the state any more. */
      onIdle?: () => void;
    },
  ) {
    this.#store = new Store(initial);
  }

  /** Whether anything observes it. */
  get isActive(): boolean {
    return this.#subscribers > 0;
  }

  get isReading(): boolean {
    return this.#reading !== null;
  }

  set(value: T): void {
    this.#store.set(value);
  }

  // Properties, because frameworks call them without `this`.
  readonly getSnapshot = (): T => this.#store.value;

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#store.subscribe(listener);
    this.#subscribers += 1;
    if (this.#subscribers === 1) void this.refresh();
    return () => {
      unsubscribe();
      this.#subscribers -= 1;
      if (this.#subscribers === 0) this.source.onIdle?.();
    };
  };

  /** Reads once more, after the read in progress if there is one. Resolves when the read in progress has ended. */
  async refresh(): Promise<void> {
    if (this.#reading) {
      this.#mustReadAgain = true;
      return this.#reading;
    }
    this.#reading = this.source.read().finally(() => {
      this.#reading = null;
      if (!this.#mustReadAgain) return;
      this.#mustReadAgain = false;
      void this.refresh();
    });
    return this.#reading;
  }
}
