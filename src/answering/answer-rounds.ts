import { ref } from '@mikro-orm/core';
import type { AnswerPrompt, PromptService } from '../memory/prompt.service.js';
import { FinishReason, ToolCallState } from '../messages/message.enums.js';
import { Message } from '../messages/message.entity.js';
import { ToolCall } from '../messages/tool-call.entity.js';
import type { EntityManager } from '../platform/db/orm.js';
import { toStorableText } from '../platform/db/storable-text.js';
import { isTransient } from '../platform/db/transient-error.js';
import { retry } from '../platform/lifecycle/retry.js';
import {
  ModelError,
  type ChatModel,
  type Completion,
  type PromptMessage,
  type ToolOffer,
  type ToolRequest,
} from '../platform/model/chat-model.js';
import { countMessageTokens, countToolTokens } from '../platform/model/openai-request.js';
import { countTokens } from '../platform/model/tokens.js';
import { addUsage, isCompletedCall } from '../platform/model/usage.js';
import type { Logger } from '../platform/telemetry/log.js';
import { INTERRUPTED_RESULT, readArguments, toErrorResult, type ToolArguments } from '../platform/tools/run-tool.js';
import { toDefinition, type Tool } from '../platform/tools/tool.js';
import type { Cost } from '../usage/usage.service.js';
import { LeaseLost, StopRequested, toLogIds, type PendingAnswer } from './answer-run.js';
import { ToolCallChanged } from './answer-event.types.js';
import type { AnswerStore } from './answer.store.js';
import type { LiveAnswer } from './live-answer.js';
import type { ShownProducts } from './shown-products.js';
import type { Toolbox } from './toolbox.js';

/** After so many rounds of calls, or so many calls, the model must answer. */
export const MAX_ROUNDS = 6;
export const MAX_CALLS = 12;

/** Pauses between attempts while the database is unreachable. */
const BACKOFF = { initialMs: 100, maxMs: 2_000 };

const TOO_LONG_RESULT = toErrorResult('The result is too long for the context. Ask for less.');

export interface RoundServices {
  fork: () => EntityManager;
  model: ChatModel;
  prompts: PromptService;
  toolbox: Toolbox;
  store: AnswerStore;
  log: Logger;
}

/**
 * Generates one answer in rounds: the model streams text and may request look-ups, whose results it gets in the next
 * round. The texts of all rounds are one text.
 *
 * 1. The calls of a round are stored as RUNNING before they run, together with the text before them.
 * 2. They run side by side, each with its deadline; each result is stored, and then told to the followers.
 * 3. After the last permitted round the model must answer.
 *
 * Whatever ends the answer closes the calls that are open: here for the followers, and in the database with the outcome.
 */
export class AnswerRounds {
  #tools: readonly Tool[] = [];
  #hasProducts = false;
  #prompt: AnswerPrompt | null = null;
  /** The calls and results of the earlier rounds. */
  readonly #turns: PromptMessage[] = [];
  #callCount = 0;
  /** The cost of the finished calls of the model. */
  #spent: Cost | null = null;
  /** The call of the model that is running: its prompt's tokens, and the lengths of the texts before it. */
  #current: { promptTokens: number; textLength: number; reasoningLength: number } | null = null;
  #instead: Promise<string> | null = null;
  /** The products that the prompt of a model without tools holds. */
  given = '';

  constructor(
    private readonly services: RoundServices,
    private readonly answer: PendingAnswer,
    private readonly live: LiveAnswer,
    private readonly shown: ShownProducts,
    private readonly leaseOwner: string,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Generates the answer.
   * @throws ModelError if the model fails, and the signal's reason
   */
  async run(): Promise<{ model: string; finishReason: FinishReason }> {
    try {
      for (let round = 0; ; round += 1) {
        const mustAnswer = round === MAX_ROUNDS || this.#callCount >= MAX_CALLS;
        const { completion, text } = await this.#callModel(mustAnswer);
        const { model, finishReason, toolCalls } = completion;
        if (toolCalls.length === 0) return { model, finishReason: FinishReason[finishReason] };
        if (mustAnswer) return { model, finishReason: FinishReason.TOOL_LIMIT };
        await this.#lookUp(text, toolCalls.slice(0, MAX_CALLS - this.#callCount));
      }
    } finally {
      this.#closeCalls();
    }
  }

  /**
   * Returns the cost of all calls of the model; null if there was none.
   * @param error what has ended the answer; null if it is complete. The last call may have been paid for.
   */
  getCost(error: unknown = null): Cost | null {
    if (!this.#current) return this.#spent;
    const reported = error instanceof ModelError ? error.usage : null;
    const estimate = this.#estimateCurrent();
    const isPaid = error instanceof StopRequested || estimate.completionTokens > 0 || isCompletedCall(error);
    return addUsage(this.#spent, reported ?? (isPaid ? estimate : null));
  }

  async #callModel(mustAnswer: boolean): Promise<{ completion: Completion; text: string }> {
    const { live, shown, signal } = this;
    const prompt = await this.#preparePrompt();
    const separate = { text: createSeparator(live.text, this.#turns.length > 0), isFirstReasoning: true };
    let text = '';
    const call = async (messages: readonly PromptMessage[]) =>
      await this.services.model.stream(messages, {
        signal,
        ids: toLogIds(this.answer),
        ...(this.#tools.length > 0 ? { tools: this.#createOffer(mustAnswer) } : {}),
        onText(piece) {
          text += piece;
          shown.append(separate.text(piece));
        },
        onReasoning(piece) {
          // The reasoning of each call is a paragraph of its own.
          const isParagraph = separate.isFirstReasoning && live.reasoning !== '';
          separate.isFirstReasoning = false;
          live.appendReasoning(isParagraph ? `\n\n${piece}` : piece);
        },
      });
    const completion = await this.#callShortening(prompt, call);
    this.#spent = addUsage(this.#spent, completion.usage ?? this.#estimateCurrent(completion.toolCalls));
    this.#current = null;
    return { completion, text };
  }

  /** Calls the model. If the provider finds the prompt too long, it is shortened once. */
  async #callShortening(
    messages: readonly PromptMessage[],
    call: (messages: readonly PromptMessage[]) => Promise<Completion>,
  ): Promise<Completion> {
    try {
      return await call(messages);
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== 'CONTEXT_TOO_LONG') throw error;
      const tokens = this.#countTokens();
      // Without a figure from the provider, half of the prompt is the best guess.
      const limit = Math.min(this.services.model.maxPromptTokens ?? Infinity, Math.floor(tokens / 2));
      const shortened = await this.#fit(limit).catch(() => null);
      if (!shortened || this.#countTokens() >= tokens) throw error;
      return await call(shortened);
    }
  }

  /** Returns the messages for the next call of the model. */
  async #preparePrompt(): Promise<PromptMessage[]> {
    if (!this.#prompt) {
      await this.#read(async (em) => {
        const { tools, hasProducts } = await this.services.toolbox.list(em);
        // A small context has no room for all tools.
        this.#tools = takeWhileFits(tools, this.services.prompts.maxTokens / 4);
        this.#hasProducts = hasProducts;
        this.#prompt = await this.#buildPrompt(em, this.services.prompts.maxTokens);
      });
    } else if (this.#countTokens() > this.services.prompts.maxTokens)
      await this.#fit(this.services.prompts.maxTokens).catch((error: unknown) => {
        // The provider may still accept it.
        if (!(error instanceof ModelError)) throw error;
      });
    this.#begin();
    return [...this.#prompt!.messages, ...this.#turns];
  }

  #begin(): void {
    const { text, reasoning } = this.live;
    this.#current = {
      promptTokens: this.#countTokens(),
      textLength: text.length,
      reasoningLength: reasoning.length,
    };
  }

  /** Shortens the history, and then the results of look-ups, to fit into `limit` tokens. @throws ModelError if they do not */
  async #fit(limit: number): Promise<PromptMessage[]> {
    for (;;) {
      try {
        await this.#read(async (em) => (this.#prompt = await this.#buildPrompt(em, limit)));
        this.#begin();
        return [...this.#prompt!.messages, ...this.#turns];
      } catch (error) {
        if (!(error instanceof ModelError) || !this.#dropLongestResult()) throw error;
      }
    }
  }

  /** Returns whether there was one. */
  #dropLongestResult(): boolean {
    const results = this.#turns.filter(({ role }) => role === 'tool');
    const [longest] = results.toSorted((a, b) => b.content.length - a.content.length);
    if (!longest || longest.content.length <= TOO_LONG_RESULT.length) return false;
    longest.content = TOO_LONG_RESULT;
    return true;
  }

  async #buildPrompt(em: EntityManager, limit: number): Promise<AnswerPrompt> {
    const room = limit - this.#countOwnTokens();
    return await this.services.prompts.buildPrompt(em, this.answer, room, this.#hasProducts);
  }

  #countTokens(): number {
    return (this.#prompt?.tokens ?? 0) + this.#countOwnTokens();
  }

  /** The tokens of the tools and of the turns of this answer. */
  #countOwnTokens(): number {
    return (
      countToolTokens(this.#tools.map(toDefinition)) +
      this.#turns.reduce((sum, turn) => sum + countMessageTokens(turn), 0)
    );
  }

  #createOffer(mustAnswer: boolean): ToolOffer {
    return {
      definitions: this.#tools.map(toDefinition),
      choice: mustAnswer ? 'none' : 'auto',
      describeInstead: () => (this.#instead ??= this.#describeInstead()),
    };
  }

  async #describeInstead(): Promise<string> {
    const { fork, toolbox, log } = this.services;
    const { question, interests } = this.#prompt!;
    try {
      return (this.given = await toolbox.describeProducts(fork(), question, interests));
    } catch (error) {
      log.warn({ err: error, ...toLogIds(this.answer) }, 'Could not look up products for a model without tools.');
      return '';
    }
  }

  /** Runs the calls of a round and adds them with their results to the prompt. */
  async #lookUp(text: string, requests: readonly ToolRequest[]): Promise<void> {
    const { live } = this;
    const calls = requests.map((request, i) =>
      this.#createCall(request, this.answer.toolCallCount + this.#callCount + i),
    );
    this.#callCount += calls.length;
    // What the call that follows costs in addition to the first one.
    const estimate = this.services.prompts.estimateRound(this.#countTokens());
    const answer = { id: live.id, leaseOwner: this.leaseOwner, content: live.text, reasoning: live.reasoning };
    const rows = calls.map(({ call }) => call);
    const isStored = await this.#write((em) => this.services.store.addToolCalls(em, answer, rows, estimate));
    if (!isStored) throw new LeaseLost();
    for (const call of rows) live.setItem(new ToolCallChanged(toView(call)));
    const results = await Promise.all(calls.map(({ call, given }) => this.#run(call, given)));
    this.signal.throwIfAborted();
    this.#turns.push(
      {
        role: 'assistant',
        content: text,
        toolCalls: requests.map((request, i) => ({ ...request, arguments: calls[i]!.given.json })),
      },
      ...requests.map(({ id }, i) => ({ role: 'tool' as const, content: results[i]!, toolCallId: id })),
    );
  }

  #createCall({ name, arguments: text }: ToolRequest, position: number): { call: ToolCall; given: ToolArguments } {
    const given = readArguments(text);
    const call = new ToolCall();
    call.answer = ref(Message, this.live.id);
    call.position = position;
    call.name = toStorableText(name);
    call.arguments = toStorableText(given.json);
    call.offset = this.live.text.length;
    return { call, given };
  }

  /** Returns the result. An aborted call is closed with the outcome of the answer. */
  async #run(call: ToolCall, given: ToolArguments): Promise<string> {
    const { ownerId: userId, conversationId } = this.answer;
    const tool = this.#tools.find(({ name }) => name === call.name);
    const context = { callId: call.id, userId, conversationId, signal: this.signal };
    const outcome = await this.services.toolbox.runner.run(tool, given, context);
    this.signal.throwIfAborted();
    const state = outcome.isSuccess ? ToolCallState.DONE : ToolCallState.FAILED;
    const result = toStorableText(outcome.result);
    const isOpen = await this.#write((em) => this.services.store.finishToolCall(em, call.id, { state, result }));
    if (!isOpen) throw new LeaseLost();
    this.live.setItem(new ToolCallChanged({ ...toView(call), state, result }));
    return result;
  }

  #closeCalls(): void {
    for (const item of this.live.items) {
      if (!(item instanceof ToolCallChanged)) continue;
      const { toolCall } = item;
      if (toolCall.state !== ToolCallState.RUNNING) continue;
      const closed = { ...toolCall, state: ToolCallState.FAILED, result: INTERRUPTED_RESULT };
      this.live.setItem(new ToolCallChanged(closed));
    }
  }

  #estimateCurrent(toolCalls: readonly ToolRequest[] = []): Cost {
    const { promptTokens, textLength, reasoningLength } = this.#current!;
    const { text, reasoning } = this.live;
    const calls = toolCalls.reduce((sum, call) => sum + countTokens(call.name) + countTokens(call.arguments), 0);
    const completionTokens =
      countTokens(text.slice(textLength)) + countTokens(reasoning.slice(reasoningLength)) + calls;
    return { promptTokens, completionTokens, estimated: true };
  }

  /** Reads with a new EntityManager, so that the rows can be collected while the provider streams. */
  async #read(work: (em: EntityManager) => Promise<unknown>): Promise<void> {
    await this.#write(work);
  }

  /** The question is stored already, so it waits for the database to return. */
  async #write<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    const { fork, log } = this.services;
    return await retry(() => work(fork()), {
      ...BACKOFF,
      signal: this.signal,
      onFailure: (error) => {
        if (!isTransient(error)) throw error;
        log.warn({ err: error, answerId: this.answer.id }, 'The database is unreachable while answering; retrying.');
      },
    });
  }
}

const toView = ({ id, name, state, arguments: given, result, offset }: ToolCall) => ({
  id,
  name,
  state,
  arguments: given,
  result,
  offset,
});

/** Returns the first tools whose definitions have at most `limit` tokens together. */
function takeWhileFits(tools: readonly Tool[], limit: number): readonly Tool[] {
  let tokens = 0;
  const end = tools.findIndex((tool) => (tokens += countToolTokens([toDefinition(tool)])) > limit);
  return end === -1 ? tools : tools.slice(0, end);
}

/** Models do not expect that the text after a look-up follows the one before it: a paragraph begins there. */
function createSeparator(before: string, isFurtherRound: boolean): (piece: string) => string {
  let isSeparated = !isFurtherRound || before === '' || /\s$/.test(before);
  return (piece) => {
    if (isSeparated) return piece;
    isSeparated = true;
    return /^\s/.test(piece) ? piece : `\n\n${piece}`;
  };
}
