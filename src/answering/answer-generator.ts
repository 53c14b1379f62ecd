import { AnswerErrorCode, FinishReason, MessageStatus } from '../messages/message.enums.js';
import { ModelError } from '../platform/model/chat-model.js';
import type { Cost } from '../usage/usage.service.js';
import { AnswerRounds, type RoundServices } from './answer-rounds.js';
import { LeaseLost, ServerEnding, StopRequested, toLogIds, type Outcome, type PendingAnswer } from './answer-run.js';
import { ShownProducts, type ShownProductsServices } from './shown-products.js';
import type { LiveAnswer } from './live-answer.js';

/** A provider that streams for longer is cut off. */
const ANSWER_TIMEOUT_MS = 60 * 60_000;

const NO_OUTCOME = { errorCode: null, finishReason: null, model: null } as const;

/**
 * Generates the text of answers. While it waits for the provider it holds neither a transaction nor an EntityManager.
 */
export class AnswerGenerator {
  /** @param leaseOwner the owner of the leases of the answers */
  constructor(
    private readonly services: RoundServices & ShownProductsServices,
    private readonly leaseOwner: string,
  ) {}

  /** Streams the answer into `live` and returns the outcome; a failure is an outcome, too. */
  async generate(answer: PendingAnswer, live: LiveAnswer, abort: AbortController): Promise<Outcome> {
    const onTimeout = () => abort.abort(new ModelError('PROVIDER_TIMEOUT', 'The answer took too long.'));
    const timer = setTimeout(onTimeout, ANSWER_TIMEOUT_MS).unref();
    const shown = new ShownProducts(this.services, answer, live, this.leaseOwner);
    const rounds = new AnswerRounds(this.services, answer, live, shown, this.leaseOwner, abort.signal);
    try {
      const { model, finishReason } = await rounds.run();
      await shown.end({ isCut: finishReason !== FinishReason.STOP });
      const end = { ...NO_OUTCOME, finishReason, model, cost: rounds.getCost(), given: rounds.given };
      if (finishReason === FinishReason.TOOL_LIMIT && live.text === '')
        return { ...end, status: MessageStatus.FAILED, errorCode: AnswerErrorCode.OUTPUT_LIMIT };
      return { ...end, status: MessageStatus.COMPLETED };
    } catch (error) {
      await shown.end({ isCut: true });
      return { ...this.#toOutcome(error, answer, live, rounds.getCost(error)), given: rounds.given };
    } finally {
      clearTimeout(timer);
    }
  }

  #toOutcome(error: unknown, answer: PendingAnswer, live: LiveAnswer, cost: Cost | null): Outcome {
    if (error instanceof StopRequested) return { ...NO_OUTCOME, status: MessageStatus.STOPPED, cost };
    const errorCode = toErrorCode(error);
    // The model has nothing to add: to an answer that is continued, or to its text before a look-up.
    if (errorCode === AnswerErrorCode.PROVIDER_EMPTY && live.text !== '')
      return { ...NO_OUTCOME, status: MessageStatus.COMPLETED, finishReason: FinishReason.STOP, cost };
    if (errorCode === AnswerErrorCode.INTERNAL)
      this.services.log.error({ err: error, ...toLogIds(answer) }, 'Unexpected error while generating an answer.');
    const finishReason = errorCode === AnswerErrorCode.CONTENT_FILTERED ? FinishReason.CONTENT_FILTER : null;
    return { ...NO_OUTCOME, status: MessageStatus.FAILED, errorCode, finishReason, cost };
  }
}

function toErrorCode(error: unknown): AnswerErrorCode {
  if (error instanceof ModelError) return AnswerErrorCode[error.code];
  if (error instanceof ServerEnding || error instanceof LeaseLost) return AnswerErrorCode.INTERRUPTED;
  return AnswerErrorCode.INTERNAL;
}
