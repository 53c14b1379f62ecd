import type { Readable } from 'node:stream';
import OpenAI from 'openai';
import type { ProviderConfiguration } from '../config/provider.js';
import { adaptToRefusal, withLooserStructure, type Adaptation } from './adapt.js';
import { assumeCapabilities, CapabilityRecord, type Capabilities, type LearnedCapability } from './capabilities.js';
import {
  ModelError,
  type ChatModel,
  type Completion,
  type CompletionUsage,
  type PromptMessage,
  type StreamOptions,
  type StructuredFormat,
  type StructuredOptions,
} from './chat-model.js';
import { CompletionReader } from './completion-reader.js';
import { createNodeFetch, type NodeResponse } from './node-fetch.js';
import { toModelError } from './openai-errors.js';
import { readCompletion } from './read-completion.js';
import { buildRequestBody, limitOutputTokens, limitPromptTokens, withoutTools } from './openai-request.js';
import { ProviderError } from './provider-error.js';
import { retry } from './retry.js';
import { parseFirstObject } from './structured-output.js';
import { readTokenLimits } from './token-limits.js';
import { addUsage, estimateUsage, failWithUsage, withEstimate } from './usage.js';

/** Sent if no key is set: the SDK requires one. */
const NO_KEY = 'none';

/** More refusals of one request than this are not about what the provider can do. */
const MAX_ADAPTATIONS = 10;

interface Call extends StreamOptions {
  prompt: readonly PromptMessage[];
  format: StructuredFormat<unknown> | null;
}

interface Result {
  completion: Completion;
  /** What the call succeeded with. */
  capabilities: Capabilities;
}

/**
 * Calls the Chat Completions API of OpenAI or a compatible server. The SDK handles everything up to the response's
 * headers: authentication, timeouts, errors. The body is read here, because reading a stream with the SDK costs as much
 * as everything else that the server does for a token (decision 0002).
 */
export class OpenAIChatModel implements ChatModel, Disposable {
  readonly #client: OpenAI;
  readonly #http: ReturnType<typeof createNodeFetch>;
  readonly #capabilities: CapabilityRecord;

  /** @param onLearned called when the provider turns out to lack a capability */
  constructor(
    private readonly provider: ProviderConfiguration,
    onLearned: (learned: LearnedCapability) => void = () => {},
  ) {
    this.#capabilities = new CapabilityRecord(assumeCapabilities(provider.baseUrl), onLearned);
    this.#http = createNodeFetch(provider.proxy);
    this.#client = new OpenAI({
      apiKey: provider.apiKey ?? NO_KEY,
      ...describeRequests(provider),
      baseURL: provider.baseUrl ?? undefined,
      // Retries are handled by retry.ts, which also retries streams that end early, but not insufficient_quota.
      maxRetries: 0,
      timeout: provider.timeout,
      fetch: this.#http.fetch,
      // The SDK's log would contain prompts.
      logLevel: 'off',
      // Otherwise the SDK reads them from the environment.
      organization: null,
      project: null,
    });
  }

  get maxPromptTokens(): number | null {
    return limitPromptTokens(this.#capabilities.current, this.provider.maxOutputTokens);
  }

  /**
   * Requests a path below the base URL, or another URL, with the key.
   * @throws ModelError for every failure
   */
  async fetchJson(path: string, signal: AbortSignal): Promise<unknown> {
    try {
      const response = await this.#client.get(path, { signal }).asResponse();
      return await (response as unknown as NodeResponse).json();
    } catch (error) {
      throw toModelError(error);
    }
  }

  /** Takes note of the context that the provider reports. */
  learnContextTokens(contextTokens: number): void {
    const { current } = this.#capabilities;
    this.#capabilities.learn(current, { ...current, contextTokens });
  }

  async stream(prompt: readonly PromptMessage[], options: StreamOptions): Promise<Completion> {
    const assumed = this.#capabilities.current;
    const { completion, capabilities } = await this.#callWithRetries({ prompt, format: null, ...options }, assumed);
    this.#capabilities.learn(assumed, capabilities);
    return completion;
  }

  async structured<T>(
    prompt: readonly PromptMessage[],
    format: StructuredFormat<T>,
    options: StructuredOptions,
  ): Promise<Completion & { usage: CompletionUsage; value: T }> {
    const assumed = this.#capabilities.current;
    let attempted: Capabilities | null = assumed;
    let spent: CompletionUsage | null = null;
    for (;;) {
      let text = '';
      let reasoning = '';
      const onText = (piece: string) => {
        text += piece;
        options.onOutput?.(piece);
      };
      const onReasoning = (piece: string) => {
        reasoning += piece;
        options.onOutput?.(piece);
      };
      const call: Call = { prompt, format, ...options, onText, onReasoning };
      const { completion, capabilities }: Result = await failWithUsage(spent, () =>
        this.#callWithRetries(call, attempted!).catch((error: unknown) => {
          throw withEstimate(error, prompt, reasoning + text);
        }),
      );
      spent = addUsage(spent, completion.usage ?? estimateUsage(prompt, reasoning + text));
      try {
        const value = format.schema.parse(parseFirstObject(text));
        this.#capabilities.learn(assumed, capabilities);
        return { ...completion, usage: spent, value };
      } catch (cause) {
        // A provider that ignores the schema in the request may follow it in the prompt.
        attempted = capabilities.structuredMode === 'json_schema' ? withLooserStructure(capabilities) : null;
        if (attempted) continue;
        const message = 'The structured result does not match its schema.';
        throw new ModelError('PROVIDER_REJECTED', message, { cause, usage: spent });
      }
    }
  }

  async #callWithRetries(call: Call, assumed: Capabilities): Promise<Result> {
    const { maxRetries, timeout: maxWaitMs } = this.provider;
    let hasOutput = false;
    const onText = (text: string) => {
      hasOutput = true;
      call.onText(text);
    };
    const onReasoning = (reasoning: string) => {
      // The reasoning before a structured result is not passed on, so it may come again.
      hasOutput ||= call.format === null;
      call.onReasoning(reasoning);
    };
    let spent: CompletionUsage | null = null;
    const attempt = async () => {
      try {
        return await this.#callAdapting({ ...call, onText, onReasoning }, assumed, () => !hasOutput);
      } catch (error) {
        if (error instanceof ModelError) spent = addUsage(spent, error.usage);
        throw error;
      }
    };
    const mayRetry = () => !hasOutput;
    const { completion, capabilities } = await retry(attempt, {
      maxRetries,
      maxWaitMs,
      mayRetry,
      signal: call.signal,
    }).catch((error: unknown) => {
      throw error instanceof ModelError ? error.withUsage(spent) : error;
    });
    const usage = completion.usage && addUsage(spent, completion.usage);
    return { completion: { ...completion, usage }, capabilities };
  }

  /** Repeats a refused request at once in a way that the provider accepts. */
  async #callAdapting(call: Call, assumed: Capabilities, mayRepeat: () => boolean): Promise<Result> {
    let adaptation: Adaptation = { capabilities: assumed };
    for (let adaptations = 0; ; adaptations += 1) {
      const { capabilities } = adaptation;
      const { tools } = call;
      const prompt =
        tools && !capabilities.tools ? withoutTools(call.prompt, await tools.describeInstead()) : call.prompt;
      const outputTokens =
        adaptation.outputTokens ?? limitOutputTokens(prompt, capabilities, this.provider.maxOutputTokens);
      try {
        return { completion: await this.#callOnce({ ...call, prompt }, capabilities, outputTokens), capabilities };
      } catch (error) {
        const { temperature, reasoningEffort } = this.provider;
        const request = {
          isStructured: call.format !== null,
          hasTools: tools !== undefined && capabilities.tools,
          hasTemperature: temperature !== null && capabilities.temperature,
          hasReasoningEffort: reasoningEffort !== null && capabilities.reasoningEffort,
          outputTokens,
          firstLimitParameter: assumed.outputLimitParameter,
        };
        const next = mayRepeat() && adaptations < MAX_ADAPTATIONS ? adaptToRefusal(error, capabilities, request) : null;
        if (!next) {
          this.#learnContext(error);
          throw error;
        }
        adaptation = next;
      }
    }
  }

  /** An error about the context may name its size. */
  #learnContext(error: unknown): void {
    if (!(error instanceof ModelError) || error.code !== 'CONTEXT_TOO_LONG') return;
    const { contextTokens } = readTokenLimits(error.cause instanceof ProviderError ? error.cause.details : '');
    if (contextTokens !== null) this.learnContextTokens(contextTokens);
  }

  async #callOnce(
    { prompt, format, tools, signal, onAttempt, ...output }: Call,
    capabilities: Capabilities,
    outputTokens: number | null,
  ): Promise<Completion> {
    signal.throwIfAborted();
    onAttempt?.();
    try {
      const body = buildRequestBody(this.provider, prompt, { format, tools }, capabilities, outputTokens);
      const stream = await this.open(body, signal);
      const reader = new CompletionReader(this.provider.model, this.provider.maxOutputTokens, output);
      return await readCompletion(stream, reader, { timeoutMs: this.provider.timeout, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw toModelError(error);
    }
  }

  /** Opens the stream of a completion. @throws errors of the SDK, which `toModelError` converts */
  async open(body: OpenAI.ChatCompletionCreateParamsStreaming, signal: AbortSignal): Promise<Readable> {
    const response = await this.#client.chat.completions.create(body, { signal }).asResponse();
    return (response as unknown as NodeResponse).body;
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }
}

/** Returns the headers and the query of all requests. Azure has its own header for the key. */
function describeRequests({ apiKey, azureApiVersion, extraHeaders }: ProviderConfiguration) {
  if (azureApiVersion === null) return { defaultHeaders: extraHeaders };
  return {
    defaultHeaders: { authorization: null, 'api-key': apiKey ?? NO_KEY, ...extraHeaders },
    defaultQuery: { 'api-version': azureApiVersion },
  };
}
