import { AnswerErrorCode, FinishReason, MessageStatus } from '../messages/message.enums.js';
import type { Prompt } from '../memory/fit-prompt.js';
import type { PromptService } from '../memory/prompt.service.js';
import type { EntityManager } from '../platform/db/orm.js';
import { isTransient } from '../platform/db/transient-error.js';
import { retry } from '../platform/lifecycle/retry.js';
import { ModelError, type ChatModel, type Completion, type StreamOptions } from '../platform/model/chat-model.js';
import { countTokens } from '../platform/model/tokens.js';
import { isCompletedCall } from '../platform/model/usage.js';
import type { Logger } from '../platform/telemetry/log.js';
import type { Cost } from '../usage/usage.service.js';
import { LeaseLost, ServerEnding, StopRequested, toLogIds, type Outcome, type PendingAnswer } from './answer-run.js';
import type { LiveAnswer } from './live-answer.js';

/** Pauses between attempts to read the prompt while the database is unreachable. */
const BACKOFF = { initialMs: 100, maxMs: 2_000 };

/** A provider that streams for longer is cut off. */
const ANSWER_TIMEOUT_MS = 60 * 60_000;

const NO_OUTCOME = { errorCode: null, finishReason: null, model: null } as const;

/**
 * Generates the text of answers. While it waits for the provider it holds neither a transaction nor an EntityManager.
 */
export class AnswerGenerator {
  constructor(
    private readonly services: { fork: () => EntityManager; model: ChatModel; prompts: PromptService; log: Logger },
  ) {}

  /** Streams the answer into `live` and returns the outcome; a failure is an outcome, too. */
  async generate(answer: PendingAnswer, live: LiveAnswer, abort: AbortController): Promise<Outcome> {
    const { signal } = abort;
    let promptTokens = 0;
    const onTimeout = () => abort.abort(new ModelError('PROVIDER_TIMEOUT', 'The answer took too long.'));
    const timer = setTimeout(onTimeout, ANSWER_TIMEOUT_MS).unref();
    try {
      const prompt = await this.#readPrompt(answer, signal);
      promptTokens = prompt.tokens;
      const { model, finishReason, usage } = await this.#stream(answer, prompt, {
        signal,
        ids: toLogIds(answer),
        onText: (text) => live.append(text),
        onReasoning: createReasoningSink(live),
      });
      const cost = usage ?? estimateCost(promptTokens, answer, live);
      return { ...NO_OUTCOME, status: MessageStatus.COMPLETED, finishReason: FinishReason[finishReason], model, cost };
    } catch (error) {
      return this.#toOutcome(error, answer, estimateCost(promptTokens, answer, live));
    } finally {
      clearTimeout(timer);
    }
  }

  #toOutcome(error: unknown, answer: PendingAnswer, estimate: Cost | null): Outcome {
    if (error instanceof StopRequested) return { ...NO_OUTCOME, status: MessageStatus.STOPPED, cost: estimate };
    const errorCode = toErrorCode(error);
    const usage = error instanceof ModelError ? error.usage : null;
    // The model has nothing to add to the answer.
    if (errorCode === AnswerErrorCode.PROVIDER_EMPTY && answer.beginning)
      return { ...NO_OUTCOME, status: MessageStatus.COMPLETED, finishReason: FinishReason.STOP, cost: usage };
    if (errorCode === AnswerErrorCode.INTERNAL)
      this.services.log.error({ err: error, ...toLogIds(answer) }, 'Unexpected error while generating an answer.');
    const finishReason = errorCode === AnswerErrorCode.CONTENT_FILTERED ? FinishReason.CONTENT_FILTER : null;
    const hasOutput = estimate !== null && estimate.completionTokens > 0;
    const cost = usage ?? (hasOutput || isCompletedCall(error) ? estimate : null);
    return { ...NO_OUTCOME, status: MessageStatus.FAILED, errorCode, finishReason, cost };
  }

  /** Streams the answer to a prompt. If the provider finds the prompt too long, it is shortened once. */
  async #stream(answer: PendingAnswer, prompt: Prompt, options: StreamOptions): Promise<Completion> {
    const { model } = this.services;
    try {
      return await model.stream(prompt.messages, options);
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== 'CONTEXT_TOO_LONG') throw error;
      // Without a figure from the provider, half of the prompt is the best guess.
      const limit = Math.min(model.maxPromptTokens ?? Infinity, Math.floor(prompt.tokens / 2));
      const shortened = await this.#readPrompt(answer, options.signal, limit).catch(() => null);
      if (!shortened || shortened.tokens >= prompt.tokens) throw error;
      return await model.stream(shortened.messages, options);
    }
  }

  /**
   * A method of its own, so that the EntityManager and the rows that it has read can be collected while the provider
   * streams. The question is stored already, so it waits for the database to return.
   */
  async #readPrompt(answer: PendingAnswer, signal: AbortSignal, limit?: number): Promise<Prompt> {
    const { fork, prompts, log } = this.services;
    return await retry(() => prompts.buildPrompt(fork(), answer, limit), {
      ...BACKOFF,
      signal,
      onFailure(error) {
        if (!isTransient(error)) throw error;
        log.warn({ err: error, answerId: answer.id }, 'Could not read the prompt; retrying.');
      },
    });
  }
}

function toErrorCode(error: unknown): AnswerErrorCode {
  if (error instanceof ModelError) return AnswerErrorCode[error.code];
  if (error instanceof ServerEnding || error instanceof LeaseLost) return AnswerErrorCode.INTERRUPTED;
  return AnswerErrorCode.INTERNAL;
}

/** Estimates the cost of a call for which the provider sent no usage: of what it has added to the answer. */
function estimateCost(
  promptTokens: number,
  { beginning }: PendingAnswer,
  { text, reasoning }: LiveAnswer,
): Cost | null {
  if (promptTokens === 0) return null;
  const completionTokens =
    countTokens(text.slice(beginning?.content.length)) + countTokens(reasoning.slice(beginning?.reasoning.length));
  return { promptTokens, completionTokens, estimated: true };
}

/** The reasoning of an answer that is continued follows the earlier reasoning as a paragraph of its own. */
function createReasoningSink(live: LiveAnswer): (reasoning: string) => void {
  let separator = live.reasoning === '' ? '' : '\n\n';
  return (reasoning) => {
    live.appendReasoning(separator + reasoning);
    separator = '';
  };
}
