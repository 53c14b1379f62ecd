import type { ZodType } from 'zod';

/** A message of a prompt; the roles are those of the Chat Completions API. */
export interface PromptMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  /** Of an assistant: the tools that it called after its text. */
  toolCalls?: readonly ToolRequest[];
  /** Of a tool: the id of the call whose result the content is. */
  toolCallId?: string;
}

/** A tool as a provider is told about it. */
export interface ToolDefinition {
  /** Letters, digits, _ and -. */
  name: string;
  description: string;
  /** The JSON schema of the arguments: an object. */
  parameters: Record<string, unknown>;
}

/** A call of a tool that a model requests. */
export interface ToolRequest {
  /** The provider's id, or one that was made up because it sent none. */
  id: string;
  name: string;
  /** As the model gave them: usually a JSON object. */
  arguments: string;
  /** What the provider requires to get back with the call, such as the thought signatures of Gemini. */
  extraContent?: unknown;
}

/** The tools that a model may call. */
export interface ToolOffer {
  definitions: readonly ToolDefinition[];
  /** `none`: the model must answer. */
  choice: 'auto' | 'none';
  /** Returns what a model that cannot call tools is told instead. It must not throw. */
  describeInstead: () => Promise<string>;
}

export interface CompletionUsage {
  promptTokens: number;
  completionTokens: number;
  /** Whether the tokens were counted here because the provider did not report them. */
  estimated: boolean;
}

/** The result of a successful call. */
export interface Completion {
  /** The model's name, as the provider reports it. */
  model: string;
  /** Whether the model finished by itself or reached the maximum number of output tokens. */
  finishReason: 'STOP' | 'LENGTH';
  /** The calls that the model requests; it goes on when it knows their results. */
  toolCalls: readonly ToolRequest[];
  /** Null if the provider reported no usage. */
  usage: CompletionUsage | null;
}

/** What a call belongs to, for the log. */
export interface CallIds {
  /** The request that caused the call; absent if it is unknown. */
  requestId?: string;
  userId: string;
  conversationId: string;
  answerId?: string;
}

export interface CallOptions {
  /** Aborts the call; the promise then rejects with the signal's reason. */
  signal: AbortSignal;
  ids?: CallIds;
  /** Called before each request to the provider. */
  onAttempt?: () => void;
}

export interface StreamOptions extends CallOptions {
  /** Absent: the model can only answer. */
  tools?: ToolOffer;
  /** Called with each piece of text as soon as it arrives. It must not throw. */
  onText: (text: string) => void;
  /** Called with each piece of what the model thinks before it answers, if the provider sends it. It must not throw. */
  onReasoning: (reasoning: string) => void;
}

export interface StructuredOptions extends CallOptions {
  /** Called with each piece of output, reasoning too, as soon as it arrives. It must not throw. */
  onOutput?: (output: string) => void;
}

/** Returns options with which `onOutput` is called before each piece of text or reasoning is passed on. */
export const observeOutput = (options: StreamOptions, onOutput: () => void): StreamOptions => ({
  ...options,
  onText(text) {
    onOutput();
    options.onText(text);
  },
  onReasoning(reasoning) {
    onOutput();
    options.onReasoning(reasoning);
  },
});

/** The format of a structured result. */
export interface StructuredFormat<T> {
  /** Sent to the provider: letters, digits, _ and -. */
  name: string;
  schema: ZodType<T>;
}

/** A language model. */
export interface ChatModel {
  /** The maximum number of prompt tokens that leaves room for an answer; null if it is unknown. */
  readonly maxPromptTokens: number | null;

  /**
   * Streams an answer. Resolves when it is complete.
   * @throws ModelError for every failure of the provider; the text passed to `onText` before remains valid.
   */
  stream(prompt: readonly PromptMessage[], options: StreamOptions): Promise<Completion>;

  /**
   * Requests JSON that matches the schema.
   * @throws ModelError for every failure of the provider, and if the result does not match.
   */
  structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    options: StructuredOptions,
  ): Promise<Completion & { usage: CompletionUsage; value: T }>;
}

/** The kinds of provider failures, distinguished by what users and operators can do about them. */
export type ModelErrorCode =
  | 'PROVIDER_RATE_LIMITED'
  | 'PROVIDER_QUOTA_EXCEEDED'
  | 'PROVIDER_REJECTED'
  | 'PROVIDER_UNAVAILABLE'
  | 'PROVIDER_TIMEOUT'
  | 'CONTEXT_TOO_LONG'
  | 'CONTENT_FILTERED'
  | 'OUTPUT_LIMIT'
  | 'PROVIDER_EMPTY';

/** A failure of the provider. Its message and cause are for the log only: they may quote the provider. */
export class ModelError extends Error {
  /** The delay that the provider requested before the next call, in milliseconds. */
  readonly retryAfter: number | null;
  /** The usage of the failed call, including its retries, if the provider reported it. */
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

  /** Returns the same error with another usage. */
  withUsage(usage: CompletionUsage | null): ModelError {
    const { code, message, cause, retryAfter } = this;
    return new ModelError(code, message, { cause, retryAfter, usage });
  }
}
