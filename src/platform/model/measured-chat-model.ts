import type { Metrics } from '../telemetry/metrics.js';
import {
  ModelError,
  type ChatModel,
  type Completion,
  type PromptMessage,
  type StreamOptions,
  type StructuredFormat,
} from './chat-model.js';

/** Counts what a model is asked, how long that takes and what it costs. */
export class MeasuredChatModel implements ChatModel {
  constructor(
    private readonly model: ChatModel,
    private readonly metrics: Metrics,
  ) {}

  async stream(prompt: readonly PromptMessage[], { onText, signal }: StreamOptions): Promise<Completion> {
    const firstText = this.metrics.firstTextSeconds.startTimer();
    let begun = false;
    const noted = (text: string) => {
      if (!begun) firstText();
      begun = true;
      onText(text);
    };
    return await this.#measured('answer', signal, () => this.model.stream(prompt, { onText: noted, signal }));
  }

  async structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    signal: AbortSignal,
  ): Promise<Completion & { value: T }> {
    return await this.#measured(format.name, signal, () => this.model.structured(prompt, format, signal));
  }

  async #measured<C extends Completion>(purpose: string, signal: AbortSignal, call: () => Promise<C>): Promise<C> {
    const { modelCalls, modelSeconds, modelTokens } = this.metrics;
    const ended = modelSeconds.startTimer({ purpose });
    const spent = (usage: Completion['usage']) => {
      if (!usage) return;
      modelTokens.inc({ purpose, kind: 'prompt' }, usage.promptTokens);
      modelTokens.inc({ purpose, kind: 'completion' }, usage.completionTokens);
    };
    try {
      const completion = await call();
      modelCalls.inc({ purpose, outcome: 'ok' });
      spent(completion.usage);
      return completion;
    } catch (error) {
      const outcome = error instanceof ModelError ? error.code : signal.aborted ? 'aborted' : 'INTERNAL';
      modelCalls.inc({ purpose, outcome });
      if (error instanceof ModelError) spent(error.usage);
      throw error;
    } finally {
      ended();
    }
  }
}
