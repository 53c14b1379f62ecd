import type { ZodType } from 'zod';

/** A message of a prompt, as the Chat Completions API names the roles. */
export interface PromptMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface CompletionUsage {
  promptTokens: number;
  completionTokens: number;
}

/** How a completion ended. */
export interface Completion {
  /** As the provider names it. */
  model: string;
  /** Null where the provider sent no figures. */
  usage: CompletionUsage | null;
}

export interface StreamOptions {
  /** Called with each piece of text, in order, at once when it arrives. It must not throw. */
  onText: (text: string) => void;
  /** Ends the call; the promise then rejects with the signal's reason. */
  signal: AbortSignal;
}

/** What a structured answer has to look like. */
export interface StructuredFormat<T> {
  /** For the provider: letters, digits, _ and -. */
  name: string;
  schema: ZodType<T>;
}

/** A language model. */
export interface ChatModel {
  /**
   * Streams an answer. Resolves when it is whole.
   * @throws ModelError for every fault of the provider; the text given to `onText` until then stands.
   */
  stream(prompt: readonly PromptMessage[], options: StreamOptions): Promise<Completion>;

  /**
   * Asks for an answer as JSON that fits the schema.
   * @throws ModelError, also for an answer that does not fit.
   */
  structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    signal: AbortSignal,
  ): Promise<Completion & { value: T }>;
}

/** What can go wrong with a provider, in the terms that users and operators can act on. */
export type ModelErrorCode =
  | 'PROVIDER_RATE_LIMITED'
  | 'PROVIDER_QUOTA_EXCEEDED'
  | 'PROVIDER_REJECTED'
  | 'PROVIDER_UNAVAILABLE'
  | 'PROVIDER_TIMEOUT'
  | 'CONTEXT_TOO_LONG'
  | 'CONTENT_FILTERED';

/** A fault of the provider. Its message and cause are for the log: they may hold what the provider said. */
export class ModelError extends Error {
  /** For how long the provider asked to be left alone, in milliseconds. */
  readonly retryAfter: number | null;
  /** What the call has cost all the same. */
  readonly usage: CompletionUsage | null;

  constructor(
    readonly code: ModelErrorCode,
    message: string,
    {
      retryAfter = null,
      usage = null,
      ...options
    }: ErrorOptions & Partial<Pick<ModelError, 'retryAfter' | 'usage'>> = {},
  ) {
    super(message, options);
    this.name = 'ModelError';
    this.retryAfter = retryAfter;
    this.usage = usage;
  }
}
