import type { ModelError } from './chat-model.js';
import { isAuthenticationError, ProviderError } from './provider-error.js';

/** - `rejected`: the provider does not accept the API key. */
export type ProviderStatus = 'unknown' | 'ok' | 'rejected' | 'unreachable';

/** What the last call to the provider has shown. */
export class ProviderHealth {
  #status: ProviderStatus = 'unknown';

  get status(): ProviderStatus {
    return this.#status;
  }

  reportSuccess(): void {
    this.#status = 'ok';
  }

  /** Errors that concern only their call, such as a prompt that is too long, change nothing. */
  reportFailure(error: ModelError): void {
    if (error.cause instanceof ProviderError && isAuthenticationError(error.cause)) this.#status = 'rejected';
    else if (error.code === 'PROVIDER_UNAVAILABLE' || error.code === 'PROVIDER_TIMEOUT') this.#status = 'unreachable';
  }
}
