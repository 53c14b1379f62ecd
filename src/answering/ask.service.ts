import { ref, UniqueConstraintViolationException } from '@mikro-orm/core';
import { User } from '../auth/user.entity.js';
import type { Viewer } from '../auth/viewer.js';
import { Conversation } from '../conversations/conversation.entity.js';
import type { ConversationService } from '../conversations/conversation.service.js';
import { provisionalTitle } from '../conversations/provisional-title.js';
import type { TitleService } from '../memory/title.service.js';
import type { UsageService } from '../memory/usage.service.js';
import { Message } from '../messages/message.entity.js';
import { MessageRole, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/database.js';
import type { RateLimiter } from '../platform/limits/rate-limiter.js';
import type { AnswerEngine, AnswerToRun } from './answer.engine.js';
import type { AnswerStore } from './answer.store.js';
import type { AskQuestionInput, AskQuestionPayload } from './ask.types.js';
import { AnswerInProgressError } from './answering.errors.js';
import { AskedRequest } from './asked-request.entity.js';

export class AskService {
  constructor(
    private readonly conversations: ConversationService,
    private readonly store: AnswerStore,
    private readonly engine: AnswerEngine,
    private readonly titles: TitleService,
    private readonly usage: UsageService,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * Stores the question with an answer to be generated, and begins to generate it. With `stream: false` it waits for
   * the answer's end.
   * @throws NotFoundError for a conversation that is not the viewer's.
   * @throws AnswerInProgressError while the conversation's last answer is being generated.
   * @throws QuotaExceededError when the user's tokens for the day are spent.
   * @throws RateLimitedError; a retry with a known request id is not counted.
   */
  async ask(em: EntityManager, viewer: Viewer, input: AskQuestionInput): Promise<AskQuestionPayload> {
    const answerId = (await this.#asked(em, viewer, input)) ?? (await this.#store(em, viewer, input));
    if (!input.stream) await this.engine.ended(answerId);
    return await this.#payload(em.fork(), answerId);
  }

  /** The answer that an earlier request with the same id led to. */
  async #asked(em: EntityManager, viewer: Viewer, { requestId }: AskQuestionInput): Promise<string | null> {
    if (requestId == null) return null;
    const request = await em.fork().findOne(AskedRequest, { user: viewer.userId, requestId });
    return request?.answer.id ?? null;
  }

  async #store(em: EntityManager, viewer: Viewer, input: AskQuestionInput): Promise<string> {
    await this.limiter.consume(viewer.userId);
    await this.usage.assertWithinQuota(em, viewer.userId);
    try {
      const answer = await em.transactional((tx) => this.#insert(tx, viewer, input));
      this.engine.start(answer);
      if (input.conversationId == null) this.titles.generate(answer.conversationId, viewer.userId, input.question);
      return answer.id;
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      // Another request was faster: the same one again, or another question in this conversation.
      const answerId = await this.#asked(em, viewer, input);
      if (answerId) return answerId;
      throw new AnswerInProgressError();
    }
  }

  async #insert(tx: EntityManager, viewer: Viewer, input: AskQuestionInput): Promise<AnswerToRun> {
    const now = new Date();
    const conversation = await this.#conversation(tx, viewer, input);
    conversation.updatedAt = now;

    const question = new Message();
    question.conversation = ref(conversation);
    question.position = await this.#nextPosition(tx, conversation);
    question.role = MessageRole.USER;
    question.status = MessageStatus.COMPLETED;
    question.content = input.question;
    question.createdAt = now;

    const answer = new Message();
    answer.conversation = ref(conversation);
    answer.position = question.position + 1;
    answer.role = MessageRole.ASSISTANT;
    answer.status = MessageStatus.STREAMING;
    answer.inReplyTo = ref(question);
    answer.leaseOwner = this.engine.instanceId;
    answer.leaseExpiresAt = this.store.leaseUntil();
    answer.createdAt = now;
    tx.persist([question, answer]);

    if (input.requestId != null) {
      const request = new AskedRequest();
      request.user = ref(User, viewer.userId);
      request.requestId = input.requestId;
      request.answer = ref(answer);
      tx.persist(request);
    }
    await tx.flush();
    return { id: answer.id, conversationId: conversation.id, ownerId: viewer.userId };
  }

  async #conversation(
    tx: EntityManager,
    viewer: Viewer,
    { conversationId, question }: AskQuestionInput,
  ): Promise<Conversation> {
    if (conversationId != null) {
      return await this.conversations.get(tx, viewer, conversationId, 'conversationId');
    }
    const conversation = new Conversation();
    conversation.owner = ref(User, viewer.userId);
    conversation.title = provisionalTitle(question);
    tx.persist(conversation);
    return conversation;
  }

  async #nextPosition(tx: EntityManager, conversation: Conversation): Promise<number> {
    const last = await tx.findOne(Message, { conversation: conversation.id }, { orderBy: { position: 'desc' } });
    if (last?.status === MessageStatus.STREAMING) throw new AnswerInProgressError();
    return last ? last.position + 1 : 0;
  }

  async #payload(em: EntityManager, answerId: string): Promise<AskQuestionPayload> {
    const answer = await em.findOneOrFail(Message, { id: answerId }, { populate: ['conversation', 'inReplyTo'] });
    return { answer, question: answer.inReplyTo!.unwrap(), conversation: answer.conversation.unwrap() };
  }
}
