import type { IncomingMessage } from 'node:http';
import OpenAI from 'openai';
import { z, type ZodType } from 'zod';
import type { ProviderConfiguration } from '../config/configuration.js';
import {
  ModelError,
  type ChatModel,
  type Completion,
  type CompletionUsage,
  type PromptMessage,
  type StreamOptions,
  type StructuredFormat,
} from './chat-model.js';
import { createNodeFetch, type NodeResponse } from './node-fetch.js';
import { toModelError } from './openai-errors.js';
import { retrying } from './retry.js';
import { ServerSentEventReader } from './server-sent-events.js';
import { Watchdog } from './watchdog.js';

/** Sent where a compatible server wants no key: the SDK insists on one. */
const NO_KEY = 'none';

/** What follows the last chunk of a stream. */
const DONE = '[DONE]';

/**
 * Chat Completions with streaming, by OpenAI or any server that is compatible with it. The SDK does everything up to
 * the response's headers: authentication, timeouts, errors. The body is read here, since the SDK's way of reading a
 * stream costs as much as the rest of a token's way through the server.
 */
export class OpenAIChatModel implements ChatModel, Disposable {
  readonly #client: OpenAI;
  readonly #http = createNodeFetch();

  constructor(private readonly provider: ProviderConfiguration) {
    this.#client = new OpenAI({
      apiKey: provider.apiKey ?? NO_KEY,
      baseURL: provider.baseUrl ?? undefined,
      // Ours is the loop that tries again: it also knows streams that break off, and what an empty account is.
      maxRetries: 0,
      timeout: provider.timeout,
      fetch: this.#http.fetch,
      // Ours is the only log: the SDK's would hold prompts.
      logLevel: 'off',
      // Read from the environment otherwise; the configuration is the one place for that.
      organization: null,
      project: null,
    });
  }

  async stream(prompt: readonly PromptMessage[], { onText, signal }: StreamOptions): Promise<Completion> {
    let begun = false;
    const noted = (text: string) => {
      begun = true;
      onText(text);
    };
    return await retrying(() => this.#streamOnce(prompt, { onText: noted, signal }), {
      maxRetries: this.provider.maxRetries,
      mayRetry: () => !begun,
      signal,
    });
  }

  async #streamOnce(prompt: readonly PromptMessage[], { onText, signal }: StreamOptions): Promise<Completion> {
    signal.throwIfAborted();
    try {
      return await this.#read(await this.#open(prompt, signal), onText, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw toModelError(error);
    }
  }

  async #open(prompt: readonly PromptMessage[], signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#client.chat.completions
      .create(
        { model: this.provider.model, messages: [...prompt], stream: true, stream_options: { include_usage: true } },
        { signal },
      )
      .asResponse();
    return (response as unknown as NodeResponse).body;
  }

  async structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    signal: AbortSignal,
  ): Promise<Completion & { value: T }> {
    const { maxRetries } = this.provider;
    return await retrying(() => this.#structuredOnce(prompt, format, signal), {
      maxRetries,
      mayRetry: () => true,
      signal,
    });
  }

  async #structuredOnce<T>(
    prompt: readonly PromptMessage[],
    { name, schema }: StructuredFormat<T>,
    signal: AbortSignal,
  ): Promise<Completion & { value: T }> {
    signal.throwIfAborted();
    try {
      const { model, choices, usage } = await this.#client.chat.completions.create(
        {
          model: this.provider.model,
          messages: [...prompt],
          response_format: { type: 'json_schema', json_schema: { name, strict: true, schema: jsonSchemaOf(schema) } },
        },
        { signal },
      );
      return {
        model: modelName(model) ?? this.provider.model,
        usage: usageOf(usage),
        value: fitting(schema, choices[0]?.message.content ?? '', usageOf(usage)),
      };
    } catch (error) {
      signal.throwIfAborted();
      throw toModelError(error);
    }
  }

  /** Reads the stream to its end. The silence between tokens is timed here: the SDK's timeout ends with the headers. */
  #read(body: IncomingMessage, onText: (text: string) => void, signal: AbortSignal): Promise<Completion> {
    const reading = Promise.withResolvers<Completion>();
    const end = (error: unknown) => body.destroy(error instanceof Error ? error : new Error(String(error)));
    const abort = () => end(signal.reason);
    const watchdog = new Watchdog(this.provider.timeout, end);
    const chunks = new ChunkReader(this.provider.model, onText);
    const events = new ServerSentEventReader((data) => {
      // Only data counts: servers keep connections open with comments while the model behind them hangs.
      watchdog.feed();
      chunks.read(data);
    });

    body.on('data', (bytes: Buffer) => {
      try {
        events.write(bytes);
        // Some servers keep the connection open after the end.
        if (chunks.done) reading.resolve(chunks.completion());
      } catch (error) {
        end(error);
      }
    });
    body.once('error', reading.reject);
    body.once('end', () => {
      try {
        reading.resolve(chunks.completion());
      } catch (error) {
        reading.reject(error);
      }
    });
    body.once('close', () => reading.reject(new ModelError('PROVIDER_UNAVAILABLE', 'the stream broke off')));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();

    return reading.promise.finally(() => {
      watchdog[Symbol.dispose]();
      signal.removeEventListener('abort', abort);
      // What is left of a stream that has said its last word fits one read, and the connection can be used again.
      if (chunks.done) finishReading(body);
      else body.destroy();
    });
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }
}

/** Lengths and sizes are left to our own check: strict structured outputs refuse schemas that name them. */
const UNSUPPORTED = ['minLength', 'maxLength', 'minItems', 'maxItems', '$schema'] as const;

function jsonSchemaOf(schema: ZodType): Record<string, unknown> {
  const known = jsonSchemas.get(schema);
  if (known) return known;
  const made = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => UNSUPPORTED.forEach((keyword) => delete jsonSchema[keyword]),
  });
  jsonSchemas.set(schema, made);
  return made;
}

/** There are few, and making one takes longer than the rest of a request. */
const jsonSchemas = new WeakMap<ZodType, Record<string, unknown>>();

/** How long a connection may stay open after the last word, in milliseconds, before it is cut. */
const LINGER = 1_000;

/** Reads a stream that has said its last word to its end, so that its connection can be used again. */
function finishReading(body: IncomingMessage): void {
  const impatience = setTimeout(() => body.destroy(), LINGER).unref();
  body.once('close', () => clearTimeout(impatience));
  body.resume();
}

/** What a provider calls its model, as far as it can be stored and shown. */
function modelName(given: unknown): string | null {
  return typeof given === 'string' && given !== '' ? given.toWellFormed().replaceAll('\0', '').slice(0, 200) : null;
}

/** A provider's figures, unless they are none. */
function usageOf(
  given: { prompt_tokens?: unknown; completion_tokens?: unknown } | null | undefined,
): CompletionUsage | null {
  const [promptTokens, completionTokens] = [given?.prompt_tokens, given?.completion_tokens];
  return isCount(promptTokens) && isCount(completionTokens) ? { promptTokens, completionTokens } : null;
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;

/** @throws ModelError for an answer that does not fit: it is no passing fault, so it is not tried again at once. */
function fitting<T>(schema: ZodType<T>, content: string, usage: CompletionUsage | null): T {
  try {
    return schema.parse(JSON.parse(content));
  } catch (error) {
    throw new ModelError('PROVIDER_REJECTED', 'the structured answer does not fit its schema', { cause: error, usage });
  }
}

/** Takes the text and the figures out of a stream's chunks. */
class ChunkReader {
  done = false;
  #finishReason: string | null = null;
  #empty = true;
  #modelGiven: unknown;
  readonly #completion: Completion;

  constructor(
    model: string,
    private readonly onText: (text: string) => void,
  ) {
    this.#completion = { model, usage: null };
  }

  /** @throws Error for a chunk that is none, or that holds an error. */
  read(data: string): void {
    if (this.done) return;
    if (data === DONE) return void (this.done = true);
    const chunk = JSON.parse(data) as Partial<OpenAI.ChatCompletionChunk> & { error?: object };
    if (chunk.error) throw new OpenAI.APIError(undefined, chunk.error, undefined, undefined);
    // Each chunk names its model, and it is the same one.
    if (chunk.model !== this.#modelGiven) {
      this.#modelGiven = chunk.model;
      this.#completion.model = modelName(chunk.model) ?? this.#completion.model;
    }
    this.#completion.usage = usageOf(chunk.usage) ?? this.#completion.usage;
    const choice = chunk.choices?.[0];
    const text = choice?.delta?.content;
    if (typeof text === 'string' && text !== '') {
      this.#empty = false;
      this.onText(text);
    }
    if (choice?.delta?.refusal) throw new ModelError('CONTENT_FILTERED', 'the model refused');
    if (choice?.finish_reason) this.#finishReason = choice.finish_reason;
  }

  /** @throws ModelError where the stream did not come to a good end. */
  completion(): Completion {
    if (this.#finishReason === 'content_filter')
      throw new ModelError('CONTENT_FILTERED', 'finish_reason is content_filter');
    if (this.#finishReason === null && !(this.done && !this.#empty))
      throw new ModelError('PROVIDER_UNAVAILABLE', 'the stream broke off');
    if (this.#empty) throw new ModelError('PROVIDER_UNAVAILABLE', 'the answer was empty');
    return this.#completion;
  }
}
