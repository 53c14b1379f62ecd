import OpenAI from 'openai';
import type { ProviderConfiguration } from '../config/configuration.js';
import { ModelError, type ChatModel, type Completion, type PromptMessage, type StreamOptions } from './chat-model.js';
import { toModelError } from './openai-errors.js';
import { Watchdog } from './watchdog.js';

/** Sent where a compatible server wants no key: the SDK insists on one. */
const NO_KEY = 'none';

/** Chat Completions with streaming, by OpenAI or any server that is compatible with it. */
export class OpenAIChatModel implements ChatModel {
  readonly #client: OpenAI;

  constructor(private readonly provider: ProviderConfiguration) {
    this.#client = new OpenAI({
      apiKey: provider.apiKey ?? NO_KEY,
      baseURL: provider.baseUrl ?? undefined,
      maxRetries: provider.maxRetries,
      timeout: provider.timeout,
      // Ours is the only log: the SDK's would hold prompts.
      logLevel: 'off',
      // Read from the environment otherwise; the configuration is the one place for that.
      organization: null,
      project: null,
    });
  }

  async stream(prompt: readonly PromptMessage[], { onText, signal }: StreamOptions): Promise<Completion> {
    signal.throwIfAborted();
    // The SDK's timeout ends with the response's headers, so the silence between tokens is watched here.
    using watchdog = new Watchdog(this.provider.timeout);
    try {
      const chunks = await this.#client.chat.completions.create(
        { model: this.provider.model, messages: [...prompt], stream: true, stream_options: { include_usage: true } },
        { signal: AbortSignal.any([signal, watchdog.signal]) },
      );
      const completion: Completion = { model: this.provider.model, usage: null };
      let finishReason: string | null = null;
      let empty = true;
      watchdog.start();
      for await (const chunk of chunks) {
        watchdog.restart();
        if (chunk.model) completion.model = chunk.model;
        if (chunk.usage) {
          completion.usage = { promptTokens: chunk.usage.prompt_tokens, completionTokens: chunk.usage.completion_tokens };
        }
        const choice = chunk.choices?.[0];
        const text = choice?.delta?.content;
        if (text) {
          empty = false;
          onText(text);
        }
        if (choice?.finish_reason) finishReason = choice.finish_reason;
      }
      // The SDK ends an aborted stream, and one that breaks off, as if it were whole.
      signal.throwIfAborted();
      watchdog.signal.throwIfAborted();
      if (finishReason === 'content_filter') throw new ModelError('CONTENT_FILTERED', 'finish_reason is content_filter');
      if (finishReason === null) throw new ModelError('PROVIDER_UNAVAILABLE', 'the stream broke off');
      if (empty) throw new ModelError('PROVIDER_UNAVAILABLE', 'the answer was empty');
      return completion;
    } catch (error) {
      signal.throwIfAborted();
      watchdog.signal.throwIfAborted();
      throw toModelError(error);
    }
  }
}
