import { ForeignKeyConstraintViolationException, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EmailLinkService } from '../auth/email-link.service.js';
import { isGuest } from '../auth/permissions.js';
import type { SessionService } from '../auth/session.service.js';
import type { Viewer } from '../auth/viewer.js';
import { conversationChanged, ConversationUpdateType } from '../conversations/conversation.topics.js';
import type { ConversationService } from '../conversations/conversation.service.js';
import type { PromptService } from '../memory/prompt.service.js';
import type { TitleService } from '../memory/title.service.js';
import type { MessageRow } from '../messages/message.row.js';
import type { MessageService } from '../messages/message.service.js';
import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { ForbiddenError, NotFoundError, UnauthenticatedError } from '../platform/errors/api-error.js';
import type { RateLimiter } from '../platform/limits/rate-limiter.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { UsageService } from '../usage/usage.service.js';
import type { Beginning, PendingAnswer } from './answer-run.js';
import type { AnswerEngine } from './answer.engine.js';
import type { AnswerSlots } from './answer-slots.js';
import type { AnswerStore } from './answer.store.js';
import { AnswerInProgressError } from './answering.errors.js';
import type { AskQuestionInput, AskQuestionPayload, ContinueAnswerInput, RegenerateAnswerInput } from './ask.types.js';
import { loadExchange, type Exchange } from './exchange.js';
import { ExchangeStore } from './exchange.store.js';
import { claimRequestId, once } from './idempotency.js';

/** Stores an exchange in a transaction. */
type StoreExchange = (tx: EntityManager) => Promise<Exchange>;

/** How an exchange came to be generated. */
type ExchangeKind = 'question' | 'replacement' | 'continuation';

/** Asks questions, regenerates answers and continues them. */
export class AskService {
  readonly #exchanges: ExchangeStore;

  constructor(
    private readonly services: {
      conversations: ConversationService;
      messages: MessageService;
      prompts: PromptService;
      titles: TitleService;
      usage: UsageService;
      store: AnswerStore;
      engine: AnswerEngine;
      slots: AnswerSlots;
      /** The rate limits of members and of guests; null for guests if they are not admitted. */
      limiters: { members: RateLimiter; guests: RateLimiter | null };
      sessions: SessionService;
      emailLinks: EmailLinkService;
      bus: Bus;
    },
  ) {
    const { conversations, engine, store } = services;
    const createLease = () => ({ leaseOwner: engine.instanceId, leaseExpiresAt: store.getLeaseExpiry() });
    this.#exchanges = new ExchangeStore(conversations, createLease);
  }

  /**
   * Stores the question and starts to generate its answer. With `stream: false` it waits for the finished answer.
   * @throws NotFoundError if the conversation is not the viewer's, or was deleted since an earlier request with this id.
   * @throws AnswerInProgressError while the last answer of the conversation is being generated.
   * @throws TooManyAnswersError if the user, or this instance, has too many running answers.
   * @throws QuotaExceededError if the daily tokens of the user or of the installation are used up.
   * @throws RateLimitedError; a repeated request id is not counted.
   * @throws EmailNotVerifiedError if EMAIL_VERIFICATION requires it.
   * @throws ForbiddenError for a guest if guests are no longer admitted.
   * @throws UnavailableError while the server shuts down.
   */
  async ask(em: EntityManager, viewer: Viewer, input: AskQuestionInput): Promise<AskQuestionPayload> {
    return await this.#run(em, viewer, input, 'question', () => (tx) => this.#exchanges.addQuestion(tx, viewer, input));
  }

  /**
   * Starts to answer the last question of a conversation again.
   * @throws NotFoundError if `answerId` is not an answer of the viewer's.
   * @throws NotLastAnswerError if a message follows the answer, or if it has been replaced.
   * @throws AnswerInProgressError, TooManyAnswersError, QuotaExceededError, RateLimitedError, UnavailableError like `ask`.
   */
  async regenerate(em: EntityManager, viewer: Viewer, input: RegenerateAnswerInput): Promise<AskQuestionPayload> {
    return await this.#run(em, viewer, input, 'replacement', async () => {
      const old = await this.services.messages.getAnswer(em, viewer, input.answerId);
      return (tx) => this.#exchanges.replaceAnswer(tx, viewer, old, input);
    });
  }

  /**
   * Lets the last answer of a conversation go on: the same message grows.
   * @throws NotFoundError if `answerId` is not an answer of the viewer's.
   * @throws NotLastAnswerError if a message follows the answer, or if it has been replaced.
   * @throws BadUserInputError if the answer has no text, or is complete.
   * @throws AnswerInProgressError, TooManyAnswersError, QuotaExceededError, RateLimitedError, UnavailableError like `ask`.
   */
  async continueAnswer(em: EntityManager, viewer: Viewer, input: ContinueAnswerInput): Promise<AskQuestionPayload> {
    return await this.#run(em, viewer, input, 'continuation', async () => {
      const old = await this.services.messages.getAnswer(em, viewer, input.answerId);
      return (tx) => this.#exchanges.continueAnswer(tx, viewer, old);
    });
  }

  async #run(
    em: EntityManager,
    viewer: Viewer,
    input: { requestId?: string | null; stream: boolean },
    kind: ExchangeKind,
    prepare: () => StoreExchange | Promise<StoreExchange>,
  ): Promise<AskQuestionPayload> {
    const exchange = await once(em, viewer, input.requestId, async () =>
      this.#begin(em, viewer, input.requestId, kind, await prepare()),
    );
    return await this.#respond(em, exchange, input);
  }

  /** Checks the limits, stores the exchange and starts to generate the answer. */
  async #begin(
    em: EntityManager,
    viewer: Viewer,
    claimedId: string | null | undefined,
    kind: ExchangeKind,
    store: StoreExchange,
  ): Promise<Exchange> {
    const { emailLinks, engine, prompts, sessions, slots, usage } = this.services;
    using _reservation = engine.reserve();
    using slot = await slots.take(viewer.userId);
    await this.#countQuestion(viewer);
    if (!isGuest(viewer)) await emailLinks.assertVerified(em, viewer);
    const exchange = await inTransaction(em, async (tx) => {
      await sessions.holdGuest(tx, viewer);
      const stored = await store(tx);
      await claimRequestId(tx, viewer, claimedId, stored);
      const { answer, question } = stored;
      // The prompt of a continuation also holds the answer.
      const position = kind === 'continuation' ? null : answer.position;
      const estimate = prompts.estimateTokens(question.content, { position });
      await usage.reserveAnswer(tx, viewer.userId, answer.id, estimate);
      return stored;
    }).catch((error: unknown) => {
      throw toApiError(error);
    });
    const { id, conversation, position, toolCallCount } = exchange.answer;
    const { userId: ownerId, sessionId, requestId } = viewer;
    const conversationId = conversation.id;
    const beginning = kind === 'continuation' ? toBeginning(exchange.answer) : null;
    const pending: PendingAnswer = {
      id,
      conversationId,
      ownerId,
      sessionId,
      position: position!,
      toolCallCount,
      requestId,
      beginning,
    };
    // Later, so that the text is sent first.
    const onFirstText = () => setImmediate(() => this.#requestTitle(viewer, exchange, kind));
    slot.keepUntil(engine.start(pending, onFirstText));
    this.#announce(viewer, exchange, kind);
    return exchange;
  }

  async #countQuestion(viewer: Viewer): Promise<void> {
    const { members, guests } = this.services.limiters;
    const limiter = isGuest(viewer) ? guests : members;
    if (!limiter) throw new ForbiddenError('This server no longer admits guests; register or sign in to ask.');
    await limiter.consume(viewer.userId);
  }

  /** Has a title generated for a conversation that begins. */
  #requestTitle({ userId, requestId }: Viewer, { question, answer }: Exchange, kind: ExchangeKind): void {
    if (question.position !== 0 || kind === 'continuation') return;
    const ids = { requestId, userId, conversationId: answer.conversation.id, answerId: answer.id };
    this.services.titles.generate(ids, question.content);
  }

  /** Notifies the user's other clients. */
  #announce({ userId, sessionId }: Viewer, { question, answer }: Exchange, kind: ExchangeKind): void {
    const { bus } = this.services;
    const conversationId = answer.conversation.id;
    const publish = (type: ConversationUpdateType, messageId?: string) =>
      bus.publish(conversationChanged, { type, ownerId: userId, conversationId, messageId, sessionId });

    if (question.position === 0 && kind === 'question') publish(ConversationUpdateType.CREATED);
    if (kind === 'question') publish(ConversationUpdateType.MESSAGE_ADDED, question.id);
    publish(ConversationUpdateType.MESSAGE_ADDED, answer.id);
  }

  async #respond(em: EntityManager, exchange: Exchange, { stream }: { stream: boolean }): Promise<AskQuestionPayload> {
    if (stream) return toPayload(exchange);
    const { id } = exchange.answer;
    await this.services.engine.waitUntilFinished(id);
    const finished = await loadExchange(em, id);
    // The conversation was deleted meanwhile.
    if (!finished) throw new NotFoundError('conversationId', 'conversation');
    return toPayload(finished);
  }
}

/** Converts violated constraints to the errors that caused them. */
function toApiError(error: unknown): unknown {
  // A concurrent question in the same conversation was faster. The lock of the conversation has prevented that before.
  if (error instanceof UniqueConstraintViolationException) return new AnswerInProgressError(null);
  // The account was deleted meanwhile.
  if (error instanceof ForeignKeyConstraintViolationException) return new UnauthenticatedError();
  return error;
}

function toBeginning({ content, reasoning, promptTokens, completionTokens, usageEstimated }: MessageRow): Beginning {
  const cost =
    promptTokens !== null && completionTokens !== null
      ? { promptTokens, completionTokens, estimated: usageEstimated }
      : null;
  return { content, reasoning: reasoning ?? '', cost };
}

const toPayload = ({ question, answer, conversation }: Exchange): AskQuestionPayload => ({
  question,
  answer,
  conversation,
});
