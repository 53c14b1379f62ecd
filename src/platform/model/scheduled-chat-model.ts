import type { CallScheduler } from './call-scheduler.js';
import {
  ModelError,
  observeOutput,
  type ChatModel,
  type Completion,
  type CompletionUsage,
  type PromptMessage,
  type StreamOptions,
  type StructuredFormat,
  type StructuredOptions,
} from './chat-model.js';
import { addUsage, estimateUsage } from './usage.js';

/** Makes the calls of a model when the scheduler allows: streams are answers, structured results background calls. */
export class ScheduledChatModel implements ChatModel {
  constructor(
    private readonly model: ChatModel,
    private readonly scheduler: CallScheduler,
  ) {}

  get maxPromptTokens(): number | null {
    return this.model.maxPromptTokens;
  }

  async stream(prompt: readonly PromptMessage[], options: StreamOptions): Promise<Completion> {
    return await this.scheduler.runAnswer(toUserId(options), options.signal, ({ onOutput }) =>
      this.model.stream(prompt, observeOutput(options, onOutput)),
    );
  }

  async structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    options: StructuredOptions,
  ): Promise<Completion & { usage: CompletionUsage; value: T }> {
    let spent: CompletionUsage | null = null;
    let output = '';
    const countDroppedCall = () => {
      // A call without output may not have been served.
      if (output !== '') spent = addUsage(spent, estimateUsage(prompt, output));
      output = '';
    };
    try {
      const completion = await this.scheduler.runBackground(
        toUserId(options),
        options.signal,
        (call) =>
          this.model.structured(prompt, format, {
            ...options,
            signal: AbortSignal.any([options.signal, call.signal]),
            onOutput(text) {
              call.onOutput();
              output += text;
            },
          }),
        countDroppedCall,
      );
      return { ...completion, usage: addUsage(spent, completion.usage) };
    } catch (error) {
      throw error instanceof ModelError ? error.withUsage(addUsage(spent, error.usage)) : error;
    }
  }
}

const toUserId = ({ ids }: StructuredOptions): string => ids?.userId ?? '';
