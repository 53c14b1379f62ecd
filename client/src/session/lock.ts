import type { LockManager } from '../environment.js';

/** Runs one function after another. */
export interface Lock {
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Excludes all tabs of the origin. */
export class WebLock implements Lock {
  constructor(
    private readonly locks: LockManager,
    private readonly name: string,
  ) {}

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.locks.request(this.name, {}, work);
  }
}

/** Excludes the callers of one object. */
export class QueueLock implements Lock {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}
