import { ModelError } from './chat-model.js';

/** Calls `bark` with PROVIDER_TIMEOUT when it has not been fed for `silence` milliseconds. */
export class Watchdog implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(silence: number, bark: (error: ModelError) => void) {
    this.#timer = setTimeout(() => bark(new ModelError('PROVIDER_TIMEOUT', `silent for ${silence} ms`)), silence);
  }

  feed(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
