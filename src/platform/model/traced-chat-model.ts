import type { SpanAttributes, Tracing } from '../telemetry/tracing.js';
import type {
  ChatModel,
  Completion,
  CompletionUsage,
  PromptMessage,
  StreamOptions,
  StructuredFormat,
  StructuredOptions,
} from './chat-model.js';

/** Creates a span for each call of a model, with the attributes of OpenTelemetry's conventions for generative AI. */
export class TracedChatModel implements ChatModel {
  constructor(
    private readonly model: ChatModel,
    /** The name of the model. */
    private readonly name: string,
    private readonly tracing: Tracing,
  ) {}

  get maxPromptTokens(): number | null {
    return this.model.maxPromptTokens;
  }

  async stream(prompt: readonly PromptMessage[], options: StreamOptions): Promise<Completion> {
    const startedAt = performance.now();
    return await this.#trace('answer', async (add) => {
      let hasText = false;
      const onText = (text: string) => {
        if (!hasText) add({ 'parley.first_text_ms': Math.round(performance.now() - startedAt) });
        hasText = true;
        options.onText(text);
      };
      return await this.model.stream(prompt, { ...options, onText });
    });
  }

  async structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    options: StructuredOptions,
  ): Promise<Completion & { usage: CompletionUsage; value: T }> {
    return await this.#trace(format.name, () => this.model.structured(prompt, format, options));
  }

  async #trace<C extends Completion>(
    purpose: string,
    call: (add: (attributes: SpanAttributes) => void) => Promise<C>,
  ): Promise<C> {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': this.name,
      'parley.purpose': purpose,
    };
    return await this.tracing.run(`chat ${this.name}`, { kind: 'client', attributes }, async (add) => {
      const completion = await call(add);
      add({
        'gen_ai.response.model': completion.model,
        'gen_ai.usage.input_tokens': completion.usage?.promptTokens,
        'gen_ai.usage.output_tokens': completion.usage?.completionTokens,
      });
      return completion;
    });
  }
}
