import { ModelError, type Completion, type CompletionUsage } from './chat-model.js';
import type { StreamEvent } from './event-stream-reader.js';
import { classifyFinishReason, type Ending } from './finish-reason.js';
import { OutputLimit } from './output-limit.js';
import { findProviderError, toProviderError } from './provider-error.js';
import { ReasoningSplitter } from './reasoning-splitter.js';
import { ToolCallReader } from './tool-call-reader.js';

/** The parts of a chunk, or of a whole completion, that are read. A provider may send anything. */
interface Chunk {
  model?: unknown;
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null;
  choices?: readonly { delta?: Delta; message?: Delta; finish_reason?: unknown }[];
}

interface Delta {
  content?: unknown;
  refusal?: unknown;
  /** Reasoning has different names: DeepSeek's, then OpenRouter's two. */
  reasoning_content?: unknown;
  reasoning?: unknown;
  reasoning_details?: unknown;
  tool_calls?: unknown;
  /** The predecessor of `tool_calls`. */
  function_call?: unknown;
}

/** Reads the text, the reasoning, the usage and the ending from the events of one completion. */
export class CompletionReader {
  /** Whether `[DONE]` has arrived: nothing that follows counts. */
  isDone = false;
  /**
   * Whether text has arrived after a finish reason. Some proxies send one with every chunk, so that only `[DONE]` or
   * the end of the stream shows that the answer is complete.
   */
  isFinishReasonUnreliable = false;
  #ending: Ending | null = null;
  #isRefused = false;
  #hasText = false;
  #reportedModel: unknown;
  readonly #completion: Omit<Completion, 'toolCalls'>;
  readonly #toolCalls = new ToolCallReader();
  readonly #limit: OutputLimit;
  readonly #splitter: ReasoningSplitter;

  /**
   * @param model the name to use if the provider reports none
   * @param maxOutputTokens the maximum number of tokens; the completion is cut there
   */
  constructor(
    model: string,
    maxOutputTokens: number,
    { onText, onReasoning }: { onText: (text: string) => void; onReasoning: (reasoning: string) => void },
  ) {
    this.#completion = { model, finishReason: 'STOP', usage: null };
    this.#limit = new OutputLimit(maxOutputTokens);
    this.#splitter = new ReasoningSplitter({
      onText: (text) => {
        const taken = this.#limit.take(text);
        if (taken === '') return;
        this.#hasText = true;
        onText(taken);
      },
      onReasoning: (reasoning) => {
        const taken = this.#limit.take(reasoning);
        if (taken !== '') onReasoning(taken);
      },
    });
  }

  /** Whether the completion has exceeded its limit, so that the rest is not read. */
  get isCut(): boolean {
    return this.#limit.isExceeded;
  }

  /** Whether a finish reason has arrived. What follows can only be usage. */
  get isEnding(): boolean {
    return this.isDone || this.isCut || this.#isRefused || this.#ending !== null;
  }

  /**
   * Reads an event. Returns whether the completion has made progress. Only output and the end of it are progress: a
   * provider could send pings, empty chunks and whitespace that is dropped without end.
   * @throws SyntaxError for data that is not JSON, ProviderError for an error
   */
  read({ name, data }: StreamEvent): boolean {
    if (this.isDone || this.isCut) return false;
    if (data.charCodeAt(0) === OPENING_BRACKET && data.trim().toUpperCase() === '[DONE]') return (this.isDone = true);
    if (name === 'error') throw toProviderError(parseOrNull(data) ?? data);
    const before = { length: this.#limit.length, isEnding: this.isEnding };
    this.#readChunk(JSON.parse(data) as Chunk | null);
    return this.#limit.length > before.length || this.isEnding !== before.isEnding;
  }

  /** Reads a whole completion that was sent instead of a stream. */
  readDocument(json: string): void {
    this.#readChunk(JSON.parse(json.replace(/^\ufeff/, '')) as Chunk | null);
    this.isDone = true;
  }

  /** Passes on what is held back. Call when no more events follow, whatever the reason is. */
  end(): void {
    this.#splitter.end();
  }

  /**
   * Returns the completion.
   * @throws ModelError if it is not complete
   */
  complete(): Completion {
    const { usage } = this.#completion;
    if (this.#isRefused) throw new ModelError('CONTENT_FILTERED', 'The model refused to answer.', { usage });
    switch (this.isCut ? 'length' : this.#ending) {
      case 'filtered':
        throw new ModelError('CONTENT_FILTERED', 'The provider filtered the answer.', { usage });
      case 'failed':
        throw new ModelError('PROVIDER_UNAVAILABLE', 'The provider ended the answer with an error.', { usage });
      case 'length':
        // The last call may be cut, too.
        if (this.#hasText) return { ...this.#completion, finishReason: 'LENGTH', toolCalls: [] };
        throw new ModelError('OUTPUT_LIMIT', 'The answer reached its token limit before any text.', { usage });
      default:
        if (this.#ending === null && !this.isDone) {
          throw new ModelError('PROVIDER_UNAVAILABLE', 'The stream ended before the answer was complete.', { usage });
        }
        return this.#toCompletion();
    }
  }

  #toCompletion(): Completion {
    const toolCalls = this.#toolCalls.complete();
    if (this.#hasText || toolCalls.length > 0) return { ...this.#completion, toolCalls };
    throw new ModelError('PROVIDER_EMPTY', 'The answer is empty.', { usage: this.#completion.usage });
  }

  /** The usage reported so far. */
  get usage(): CompletionUsage | null {
    return this.#completion.usage;
  }

  #readChunk(chunk: Chunk | null): void {
    if (typeof chunk !== 'object' || chunk === null) throw new SyntaxError('A chunk is not an object.');
    this.#completion.usage = toUsage(chunk.usage) ?? this.#completion.usage;
    const choice = chunk.choices?.[0];
    if (!choice || 'error' in chunk) {
      const error = findProviderError(chunk);
      if (error) throw error;
    }
    if (!choice) return;
    // Each chunk repeats the model's name.
    if (chunk.model !== this.#reportedModel) {
      this.#reportedModel = chunk.model;
      this.#completion.model = toModelName(chunk.model) ?? this.#completion.model;
    }
    const delta = choice.delta ?? choice.message;
    if (delta) this.#readDelta(delta);
    if (delta?.refusal) this.#readRefusal(delta.refusal);
    const { finish_reason: reason } = choice;
    if (typeof reason === 'string' && reason !== '') this.#ending = classifyFinishReason(reason);
  }

  #readRefusal(refusal: unknown): void {
    this.#isRefused = true;
    if (typeof refusal === 'string') this.#limit.take(refusal);
  }

  /** Returns whether the delta contains a part of a call. */
  #readToolCalls({ tool_calls, function_call }: Delta): boolean {
    if (!tool_calls && !function_call) return false;
    const added = this.#toolCalls.add(tool_calls, function_call);
    this.#limit.take(added);
    return added !== '';
  }

  #readDelta(delta: Delta): void {
    const { content } = delta;
    const reasoning = findReasoning(delta);
    const text = typeof content === 'string' ? content : joinParts(content, toText);
    const called = this.#readToolCalls(delta);
    if (reasoning === '' && text === '' && !called) return;
    if (this.#ending !== null) this.isFinishReasonUnreliable = true;
    this.#ending = null;
    if (reasoning !== '') this.#splitter.addReasoning(reasoning);
    if (text !== '') this.#splitter.add(text);
  }
}

/** A part of a content or of a reasoning that is sent as an array. */
type Part = { type?: unknown; text?: unknown; summary?: unknown; thinking?: unknown } | null;

const joinParts = (parts: unknown, read: (part: Part) => unknown): string =>
  Array.isArray(parts)
    ? parts
        .map(read)
        .filter((text) => typeof text === 'string')
        .join('')
    : '';

const toText = (part: Part): unknown => (part?.type === 'text' ? part.text : null);

/** OpenRouter sends the text of its `reasoning_details`, a summary, or encrypted data, which cannot be shown. */
const toDetail = (part: Part): unknown => part?.text ?? part?.summary;

/** Mistral sends reasoning as parts of the content. */
const toThinking = (part: Part): unknown => (part?.type === 'thinking' ? joinParts(part.thinking, toText) : null);

/** Some providers send the same reasoning in two fields. */
function findReasoning({ reasoning_content, reasoning, reasoning_details, content }: Delta): string {
  if (typeof reasoning_content === 'string' && reasoning_content !== '') return reasoning_content;
  if (typeof reasoning === 'string' && reasoning !== '') return reasoning;
  return joinParts(reasoning_details, toDetail) || joinParts(content, toThinking);
}

/** Returns the model's name in a form that can be stored and shown, or null if it is not a name. */
function toModelName(given: unknown): string | null {
  return typeof given === 'string' && given !== '' ? given.toWellFormed().replaceAll('\0', '').slice(0, 200) : null;
}

/** Returns the provider's usage figures, or null if they are not valid counts. */
function toUsage(given: Chunk['usage']): CompletionUsage | null {
  const [promptTokens, completionTokens] = [given?.prompt_tokens, given?.completion_tokens];
  return isCount(promptTokens) && isCount(completionTokens)
    ? { promptTokens, completionTokens, estimated: false }
    : null;
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;

function parseOrNull(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

const OPENING_BRACKET = 91;
