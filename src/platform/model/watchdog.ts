import { ModelError } from './chat-model.js';

/** Aborts its signal with PROVIDER_TIMEOUT once nothing has happened for `silence` milliseconds. */
export class Watchdog implements Disposable {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly silence: number) {}

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#controller.abort(new ModelError('PROVIDER_TIMEOUT', `silent for ${this.silence} ms`));
    }, this.silence);
  }

  restart(): void {
    this.#timer?.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
