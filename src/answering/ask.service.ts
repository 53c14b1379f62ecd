import { ForeignKeyConstraintViolationException, ref, UniqueConstraintViolationException } from '@mikro-orm/core';
import { User } from '../auth/user.entity.js';
import type { Viewer } from '../auth/viewer.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { conversationChanged, ConversationUpdateType } from '../conversations/conversation.events.js';
import type { ConversationService } from '../conversations/conversation.service.js';
import { provisionalTitle } from '../conversations/provisional-title.js';
import type { TitleService } from '../memory/title.service.js';
import type { UsageService } from '../memory/usage.service.js';
import { Message } from '../messages/message.entity.js';
import { MessageRole, MessageStatus } from '../messages/message.enums.js';
import type { MessageService } from '../messages/message.service.js';
import type { EntityManager } from '../platform/db/database.js';
import { inTransaction } from '../platform/db/transaction.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { RateLimiter } from '../platform/limits/rate-limiter.js';
import { NotFoundError, UnauthenticatedError } from '../platform/errors/api-error.js';
import type { AnswerEngine, AnswerToRun } from './answer.engine.js';
import type { AnswerStore } from './answer.store.js';
import { AnswerInProgressError, NotLastAnswerError } from './answering.errors.js';
import type { AskQuestionInput, AskQuestionPayload, RegenerateAnswerInput } from './ask.types.js';
import { AskedRequest } from './asked-request.entity.js';

/** What asking and regenerating have in common. */
interface AnswerRequest {
  stream: boolean;
  requestId?: string | null;
}

/** Asks, and asks again. */
export class AskService {
  constructor(
    private readonly services: {
      conversations: ConversationService;
      messages: MessageService;
      titles: TitleService;
      usage: UsageService;
      store: AnswerStore;
      engine: AnswerEngine;
      limiter: RateLimiter;
      bus: Bus;
    },
  ) {}

  /**
   * Stores the question with an answer to be generated, and begins to generate it. With `stream: false` it waits for
   * the answer's end.
   * @throws NotFoundError for a conversation that is not the viewer's.
   * @throws AnswerInProgressError while the conversation's last answer is being generated.
   * @throws QuotaExceededError when the user's tokens for the day are spent.
   * @throws RateLimitedError; a retry with a known request id is not counted.
   * @throws UnavailableError while the server shuts down.
   */
  async ask(em: EntityManager, viewer: Viewer, input: AskQuestionInput): Promise<AskQuestionPayload> {
    return await this.#once(em, viewer, input, async (tx) => {
      const conversation = await this.#conversation(tx, viewer, input);
      const last = input.conversationId == null ? null : await this.#lastMessage(tx, conversation);
      const question = new Message();
      question.conversation = ref(conversation);
      question.position = (last?.position ?? -1) + 1;
      question.role = MessageRole.USER;
      question.status = MessageStatus.COMPLETED;
      question.content = input.question;
      tx.persist(question);
      return this.#answerTo(tx, question, question.position + 1);
    });
  }

  /**
   * Begins to answer the conversation's last question again. The new answer takes the old one's position, and so its
   * place in the history and the prompt, and in the counter of messages that the metadata does not cover.
   * @throws NotFoundError for what is no answer of the viewer's.
   * @throws NotLastAnswerError for an answer that is followed by something, or has been replaced.
   * @throws AnswerInProgressError, QuotaExceededError, RateLimitedError, UnavailableError as asking does.
   */
  async regenerate(em: EntityManager, viewer: Viewer, input: RegenerateAnswerInput): Promise<AskQuestionPayload> {
    const old = await this.services.messages.getAnswer(em, viewer, input.answerId);
    return await this.#once(em, viewer, input, async (tx) => {
      const conversation = await this.services.conversations.lock(tx, viewer, old.conversation.id, 'answerId');
      const last = await this.#lastMessage(tx, conversation);
      if (!last || last.id !== old.id || last.position === null) throw new NotLastAnswerError();
      const { position } = last;
      if (position < conversation.coveredPosition) {
        // The metadata has taken the exchange in: it goes back into the prompt, with its new answer.
        conversation.coveredPosition = position - 1;
      } else if (last.content !== '') {
        conversation.messagesSinceContextUpdate -= 2;
      }
      // An update of the metadata that is under way was made from the old answer: it must not be applied.
      conversation.metadataVersion += 1;
      last.position = null;
      await tx.flush();
      const question = await tx.findOneOrFail(Message, { id: last.inReplyTo!.id });
      const answer = this.#answerTo(tx, question, position);
      answer.replaces = ref(last);
      return answer;
    });
  }

  /** Stores what `insert` makes, once for each request id, and begins to generate the answer. */
  async #once(
    em: EntityManager,
    viewer: Viewer,
    request: AnswerRequest,
    insert: (tx: EntityManager) => Promise<Message>,
  ): Promise<AskQuestionPayload> {
    const answer = (await this.#known(em, viewer, request)) ?? (await this.#start(em, viewer, request, insert));
    if (request.stream && answer instanceof Message) return payloadOf(answer);
    if (!request.stream) await this.services.engine.ended(answer.id);
    return await this.#payload(em.fork(), answer.id);
  }

  /** The answer that an earlier request with the same id led to. */
  async #known(em: EntityManager, viewer: Viewer, { requestId }: AnswerRequest): Promise<{ id: string } | null> {
    if (requestId == null) return null;
    const request = await em.fork().findOne(AskedRequest, { user: viewer.userId, requestId });
    return request && { id: request.answer.id };
  }

  /** The new answer as it was stored; or which one this very request, sent before, has led to. */
  async #start(
    em: EntityManager,
    viewer: Viewer,
    request: AnswerRequest,
    insert: (tx: EntityManager) => Promise<Message>,
  ): Promise<Message | { id: string }> {
    const { engine, limiter, usage, titles } = this.services;
    using _coming = engine.expect();
    try {
      await limiter.consume(viewer.userId);
      await usage.assertWithinQuota(em, viewer.userId);
      const stored = await inTransaction(em, (tx) => this.#store(tx, viewer, request, insert));
      const { answer, question } = stored;
      engine.start(answer);
      this.#announce(answer, question);
      if (question.position === 0 && !answer.isReplacement) {
        // What the answer needs goes first.
        setImmediate(() => titles.generate(answer.conversationId, viewer.userId, question.content));
      }
      return stored.message;
    } catch (error) {
      // Whatever refuses it: this very request, sent before and faster, may have gone through.
      const known = await this.#known(em, viewer, request);
      if (known) return known;
      // Another question in this conversation was faster.
      if (error instanceof UniqueConstraintViolationException) throw new AnswerInProgressError();
      // The account was deleted meanwhile.
      if (error instanceof ForeignKeyConstraintViolationException) throw new UnauthenticatedError();
      throw error;
    }
  }

  async #store(
    tx: EntityManager,
    viewer: Viewer,
    { requestId }: AnswerRequest,
    insert: (tx: EntityManager) => Promise<Message>,
  ): Promise<{ message: Message; answer: AnswerToRun & { isReplacement: boolean }; question: Message }> {
    const answer = await insert(tx);
    answer.conversation.unwrap().updatedAt = answer.createdAt;
    if (requestId != null) {
      const request = new AskedRequest();
      request.user = ref(User, viewer.userId);
      request.requestId = requestId;
      request.answer = ref(answer);
      tx.persist(request);
    }
    await tx.flush();
    const { id, conversation, position, replaces } = answer;
    return {
      message: answer,
      answer: {
        id,
        conversationId: conversation.id,
        ownerId: viewer.userId,
        position: position!,
        isReplacement: replaces !== null,
      },
      question: answer.inReplyTo!.unwrap(),
    };
  }

  /** Tells the user's other tabs and devices. */
  #announce(
    { id, conversationId, ownerId, isReplacement }: AnswerToRun & { isReplacement: boolean },
    question: Message,
  ): void {
    const publish = (type: ConversationUpdateType, messageId?: string) =>
      this.services.bus.publish(conversationChanged, { type, ownerId, conversationId, messageId });
    if (!isReplacement) {
      if (question.position === 0) publish(ConversationUpdateType.CREATED);
      publish(ConversationUpdateType.MESSAGE_ADDED, question.id);
    }
    publish(ConversationUpdateType.MESSAGE_ADDED, id);
  }

  /** A new answer, leased to this instance. Persists without flushing. */
  #answerTo(tx: EntityManager, question: Message, position: number): Message {
    const answer = new Message();
    answer.conversation = question.conversation;
    answer.position = position;
    answer.role = MessageRole.ASSISTANT;
    answer.status = MessageStatus.STREAMING;
    answer.inReplyTo = ref(question);
    answer.leaseOwner = this.services.engine.instanceId;
    answer.leaseExpiresAt = this.services.store.leaseUntil();
    tx.persist(answer);
    return answer;
  }

  async #conversation(tx: EntityManager, viewer: Viewer, input: AskQuestionInput): Promise<Conversation> {
    if (input.conversationId != null) {
      return await this.services.conversations.lock(tx, viewer, input.conversationId, 'conversationId');
    }
    const conversation = new Conversation();
    conversation.owner = ref(User, viewer.userId);
    conversation.title = provisionalTitle(input.question);
    tx.persist(conversation);
    return conversation;
  }

  /** @throws AnswerInProgressError when it is being generated. */
  async #lastMessage(tx: EntityManager, conversation: Conversation): Promise<Message | null> {
    const last = await tx.findOne(
      Message,
      { conversation: conversation.id, position: { $ne: null } },
      { orderBy: { position: 'desc' } },
    );
    if (last?.status === MessageStatus.STREAMING) throw new AnswerInProgressError();
    return last;
  }

  async #payload(em: EntityManager, answerId: string): Promise<AskQuestionPayload> {
    const answer = await em.findOne(Message, { id: answerId }, { populate: ['conversation', 'inReplyTo'] });
    // Deleted while it was waited for.
    if (!answer) throw new NotFoundError('conversationId', 'conversation');
    return payloadOf(answer);
  }
}

const payloadOf = (answer: Message): AskQuestionPayload => ({
  answer,
  question: answer.inReplyTo!.unwrap(),
  conversation: answer.conversation.unwrap(),
});
