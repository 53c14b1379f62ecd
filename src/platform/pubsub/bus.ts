import { EventEmitter } from 'node:events';

/** A kind of message, with the shape of what it says. Messages are plain JSON. */
export interface Topic<T> {
  readonly name: string;
  /** Only for the type. */
  readonly _message?: T;
}

export const topic = <T>(name: string): Topic<T> => ({ name });

/**
 * Tells every instance of the server what one of them did. Delivery is at most once: whoever must not miss something
 * also finds it in the database.
 */
export interface Bus {
  publish<T>(topic: Topic<T>, message: T): void;
  /** @param handler must not throw */
  subscribe<T>(topic: Topic<T>, handler: (message: T) => void): Disposable;
}

/** For a single instance: everybody listens in this process. */
export class MemoryBus implements Bus {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  publish<T>({ name }: Topic<T>, message: T): void {
    this.#emitter.emit(name, message);
  }

  subscribe<T>({ name }: Topic<T>, handler: (message: T) => void): Disposable {
    this.#emitter.on(name, handler);
    return { [Symbol.dispose]: () => void this.#emitter.off(name, handler) };
  }
}
