import { EventEmitter } from 'node:events';

/** A kind of message. `T` is the type of its messages, which are plain JSON. */
export interface Topic<T> {
  readonly name: string;
  /** Never set: it carries the type only. */
  readonly _message?: T;
}

export const defineTopic = <T>(name: string): Topic<T> => ({ name });

/**
 * Publishes messages to all instances of the server. Delivery is at most once: what must not be missed is also stored
 * in the database.
 */
export interface Bus {
  publish<T>(topic: Topic<T>, message: T): void;
  /** @param handler must not throw */
  subscribe<T>(topic: Topic<T>, handler: (message: T) => void): Disposable;
  /**
   * Resolves when the subscribers of a topic receive the messages of all instances, or at once if these are unreachable.
   */
  whenActive(topic: Topic<unknown>): Promise<void>;
}

/** The bus of a single instance. */
export class MemoryBus implements Bus {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  publish<T>({ name }: Topic<T>, message: T): void {
    this.#emitter.emit(name, message);
  }

  subscribe<T>({ name }: Topic<T>, handler: (message: T) => void): Disposable {
    this.#emitter.on(name, handler);
    return { [Symbol.dispose]: () => void this.#emitter.off(name, handler) };
  }

  async whenActive(): Promise<void> {}
}
