import type { ProviderConfiguration } from '../../platform/config/provider.js';
import type { LearnedCapability } from '../../platform/model/capabilities.js';
import type { CompletionUsage } from '../../platform/model/chat-model.js';
import { OpenAIChatModel } from '../../platform/model/openai-chat-model.js';
import { addUsage } from '../../platform/model/usage.js';

/** A model of the provider, and what its calls have shown. */
export class Probe implements Disposable {
  readonly model: OpenAIChatModel;
  /** The capabilities that differ from what Parley assumes. */
  readonly learned = new Map<LearnedCapability['capability'], LearnedCapability['value']>();
  /** The requests sent. */
  calls = 0;
  usage: CompletionUsage | null = null;

  constructor(readonly provider: ProviderConfiguration) {
    this.model = new OpenAIChatModel(provider, ({ capability, value }) => this.learned.set(capability, value));
  }

  /** For the options of a call. */
  readonly onAttempt = (): void => void (this.calls += 1);

  count(usage: CompletionUsage | null): void {
    this.usage = addUsage(this.usage, usage);
  }

  [Symbol.dispose](): void {
    this.model[Symbol.dispose]();
  }
}
