/** How structured results are requested, from the strictest way to the most widely supported. */
export const STRUCTURED_MODES = ['json_schema', 'json_object', 'text'] as const;
export type StructuredMode = (typeof STRUCTURED_MODES)[number];

/** What a provider accepts, as far as it is known. */
export interface Capabilities {
  readonly structuredMode: StructuredMode;
  /** Whether `stream_options` may be sent, which requests usage. */
  readonly streamOptions: boolean;
  /** Whether a message may have the role `system`. */
  readonly systemRole: boolean;
  /** Whether `temperature` may be sent. */
  readonly temperature: boolean;
  /** Whether `reasoning_effort` may be sent. */
  readonly reasoningEffort: boolean;
  /** Whether tools may be offered. */
  readonly tools: boolean;
  /** The parameter that limits the answer; null if none is accepted. */
  readonly outputLimitParameter: 'max_completion_tokens' | 'max_tokens' | null;
  /** The largest value of that parameter; null if unknown. */
  readonly maxOutputTokens: number | null;
  /** The model's context in tokens, prompt and answer together; null if unknown. */
  readonly contextTokens: number | null;
}

/** A capability that turned out to differ from what was assumed. */
export interface LearnedCapability {
  capability: keyof Capabilities;
  value: Capabilities[keyof Capabilities];
}

/**
 * The capabilities of one model at one base URL. They are learned from refusals and kept in memory, so that each refusal
 * costs one request; after a restart they are learned again.
 */
export class CapabilityRecord {
  #current: Capabilities;

  /** @param onLearned called once for each difference */
  constructor(
    initial: Capabilities,
    private readonly onLearned: (learned: LearnedCapability) => void,
  ) {
    this.#current = initial;
  }

  get current(): Capabilities {
    return this.#current;
  }

  /** Stores the differences between what was assumed for a request and what it succeeded with. */
  learn(assumed: Capabilities, succeeded: Capabilities): void {
    if (assumed === succeeded) return;
    for (const capability of Object.keys(succeeded) as (keyof Capabilities)[]) {
      const value = succeeded[capability];
      if (value === assumed[capability] || value === this.#current[capability]) continue;
      this.#current = { ...this.#current, [capability]: value };
      this.onLearned({ capability, value });
    }
  }
}

/** What is assumed before anything is learned. OpenAI and Azure replaced `max_tokens`; most other servers did not. */
export function assumeCapabilities(baseUrl: string | null): Capabilities {
  const isOpenAI = baseUrl === null || /(^|\.)openai(\.azure)?\.com$/.test(new URL(baseUrl).hostname);
  return {
    structuredMode: 'json_schema',
    streamOptions: true,
    systemRole: true,
    temperature: true,
    reasoningEffort: true,
    tools: true,
    outputLimitParameter: isOpenAI ? 'max_completion_tokens' : 'max_tokens',
    maxOutputTokens: null,
    contextTokens: null,
  };
}
