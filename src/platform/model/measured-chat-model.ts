import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import {
  ModelError,
  type CallOptions,
  type ChatModel,
  type Completion,
  type CompletionUsage,
  type ModelErrorCode,
  type PromptMessage,
  type StreamOptions,
  type StructuredFormat,
  type StructuredOptions,
} from './chat-model.js';
import type { ProviderHealth } from './provider-health.js';

/** Failures that last until the operator changes the settings or pays. */
const NEEDS_OPERATOR: ReadonlySet<ModelErrorCode> = new Set(['PROVIDER_REJECTED', 'PROVIDER_QUOTA_EXCEEDED']);

/** Measures the calls of a model, and logs a line for each: never its prompt or its text. */
export class MeasuredChatModel implements ChatModel {
  constructor(
    private readonly model: ChatModel,
    private readonly metrics: Metrics,
    private readonly log: Logger,
    private readonly health: ProviderHealth,
  ) {}

  get maxPromptTokens(): number | null {
    return this.model.maxPromptTokens;
  }

  async stream(prompt: readonly PromptMessage[], options: StreamOptions): Promise<Completion> {
    const stopFirstTextTimer = this.metrics.firstTextSeconds.startTimer();
    let firstTextSeconds: number | null = null;
    const onText = (text: string) => {
      firstTextSeconds ??= stopFirstTextTimer();
      options.onText(text);
    };
    return await this.#measure(
      'answer',
      options,
      (onAttempt) => this.model.stream(prompt, { ...options, onText, onAttempt }),
      () => (firstTextSeconds === null ? {} : { firstTextMs: toMilliseconds(firstTextSeconds) }),
    );
  }

  async structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    options: StructuredOptions,
  ): Promise<Completion & { usage: CompletionUsage; value: T }> {
    return await this.#measure(format.name, options, (onAttempt) =>
      this.model.structured(prompt, format, { ...options, onAttempt }),
    );
  }

  /** @param getDetails returns further fields for the log when the call has ended */
  async #measure<C extends Completion>(
    purpose: string,
    { signal, ids }: CallOptions,
    call: (onAttempt: () => void) => Promise<C>,
    getDetails: () => object = () => ({}),
  ): Promise<C> {
    const stopTimer = this.metrics.modelSeconds.startTimer({ purpose });
    let attempts = 0;
    const finish = (level: 'info' | 'warn' | 'error', outcome: string, usage: CompletionUsage | null, more: object) => {
      this.metrics.modelCalls.inc({ purpose, outcome });
      this.#countTokens(purpose, usage);
      const durationMs = toMilliseconds(stopTimer());
      const line = {
        event: 'provider_call',
        ...ids,
        purpose,
        attempts,
        ...usage,
        ...getDetails(),
        durationMs,
        outcome,
      };
      this.log[level]({ ...line, ...more }, 'Provider call');
    };
    try {
      const completion = await call(() => (attempts += 1));
      this.health.reportSuccess();
      finish('info', 'ok', completion.usage, { model: completion.model, finishReason: completion.finishReason });
      return completion;
    } catch (error) {
      if (error instanceof ModelError) {
        this.health.reportFailure(error);
        finish(NEEDS_OPERATOR.has(error.code) ? 'error' : 'warn', error.code, error.usage, { err: error });
      } else if (signal.aborted) finish('info', 'aborted', null, {});
      else finish('error', 'INTERNAL', null, { err: error });
      throw error;
    }
  }

  #countTokens(purpose: string, usage: CompletionUsage | null): void {
    if (!usage) return;
    this.metrics.modelTokens.inc({ purpose, kind: 'prompt' }, usage.promptTokens);
    this.metrics.modelTokens.inc({ purpose, kind: 'completion' }, usage.completionTokens);
  }
}

const toMilliseconds = (seconds: number): number => Math.round(seconds * 1_000);
