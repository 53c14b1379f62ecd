import {
  ModelError,
  observeOutput,
  type ChatModel,
  type Completion,
  type CompletionUsage,
  type ModelErrorCode,
  type PromptMessage,
  type StreamOptions,
  type StructuredFormat,
  type StructuredOptions,
} from './chat-model.js';
import { ProviderError } from './provider-error.js';
import { addUsage, failWithUsage } from './usage.js';

/** Failures of the server, not of the request: 429, 5xx, broken and refused connections, and timeouts. */
const SERVER_FAILURES: ReadonlySet<ModelErrorCode> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_TIMEOUT',
]);

/** Calls a second model when the first one fails before its first token. */
export class FallbackChatModel implements ChatModel {
  /** @param onFallback called before the second model is called */
  constructor(
    private readonly primary: ChatModel,
    private readonly fallback: ChatModel,
    private readonly onFallback: (error: ModelError) => void,
  ) {}

  get maxPromptTokens(): number | null {
    return this.primary.maxPromptTokens;
  }

  async stream(prompt: readonly PromptMessage[], options: StreamOptions): Promise<Completion> {
    let hasOutput = false;
    const observed = observeOutput(options, () => (hasOutput = true));
    return await this.#callEither(
      () => this.primary.stream(prompt, observed),
      () => this.fallback.stream(prompt, options),
      () => !hasOutput,
    );
  }

  async structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    options: StructuredOptions,
  ): Promise<Completion & { usage: CompletionUsage; value: T }> {
    return await this.#callEither(
      () => this.primary.structured(prompt, format, options),
      () => this.fallback.structured(prompt, format, options),
      () => true,
    );
  }

  async #callEither<C extends Completion>(
    primary: () => Promise<C>,
    fallback: () => Promise<C>,
    mayFallBack: () => boolean,
  ): Promise<C> {
    try {
      return await primary();
    } catch (error) {
      if (!isServerFailure(error) || !mayFallBack()) throw error;
      this.onFallback(error);
      const completion = await failWithUsage(error.usage, fallback);
      // The cost of the failed call is not lost; without figures both are estimated.
      return completion.usage ? { ...completion, usage: addUsage(error.usage, completion.usage) } : completion;
    }
  }
}

/** A 429 may also mean that the account is out of credit. */
function isServerFailure(error: unknown): error is ModelError {
  if (!(error instanceof ModelError)) return false;
  return SERVER_FAILURES.has(error.code) || (error.cause instanceof ProviderError && error.cause.status === 429);
}
