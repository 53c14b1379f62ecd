import { ModelError } from './chat-model.js';

/** Calls `onTimeout` with PROVIDER_TIMEOUT when `feed` has not been called for `timeoutMs`. */
export class Watchdog implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number, onTimeout: (error: ModelError) => void) {
    this.#timer = setTimeout(
      () => onTimeout(new ModelError('PROVIDER_TIMEOUT', `The provider sent no output for ${timeoutMs} ms.`)),
      timeoutMs,
    );
  }

  feed(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
