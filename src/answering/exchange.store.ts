import { ref } from '@mikro-orm/core';
import type { Viewer } from '../auth/viewer.js';
import { TitleSource, type Conversation } from '../conversations/conversation.entity.js';
import type { ConversationRow } from '../conversations/conversation.row.js';
import type { ConversationService } from '../conversations/conversation.service.js';
import { toProvisionalTitle } from '../conversations/provisional-title.js';
import { Message } from '../messages/message.entity.js';
import { FinishReason, MessageRole, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/orm.js';
import { newId } from '../platform/db/ids.js';
import { BadUserInputError } from '../platform/errors/api-error.js';
import { AnswerInProgressError, NotLastAnswerError } from './answering.errors.js';
import type { Exchange } from './exchange.js';
import { insertConversation, insertExchange, lastPosition, touchConversation } from './exchange.row.js';

/** An answer of this length, in UTF-16 code units, is not continued: a prompt could not hold enough of it. */
const MAX_CONTINUED_LENGTH = 500_000;

/**
 * Stores questions and the answers to be generated, under a lock on their conversation. What changes entities does not
 * flush.
 */
export class ExchangeStore {
  constructor(
    private readonly conversations: ConversationService,
    private readonly createLease: () => { leaseOwner: string; leaseExpiresAt: Date },
  ) {}

  /**
   * Adds a question to the conversation, or starts a conversation with it.
   * @throws NotFoundError if the conversation is not the viewer's.
   * @throws AnswerInProgressError while the last answer of the conversation is being generated.
   */
  async addQuestion(
    tx: EntityManager,
    viewer: Viewer,
    input: { question: string; conversationId?: string | null; requestId?: string | null },
  ): Promise<Exchange> {
    const now = new Date();
    const conversation = await this.#lockOrInsertConversation(tx, viewer, input, now);
    const last = input.conversationId == null ? null : await lastPosition.get(tx, conversation.id);
    if (last?.status === MessageStatus.STREAMING) throw new AnswerInProgressError(last.id);
    const position = (last?.position ?? -1) + 1;
    const requestId = input.requestId ?? null;
    const common = { ...NEW_MESSAGE, conversation: { id: conversation.id }, requestId, createdAt: now };
    const question = {
      ...common,
      id: newId(),
      position,
      role: MessageRole.USER,
      content: input.question,
      status: MessageStatus.COMPLETED,
    };
    const answer = {
      ...common,
      id: newId(),
      position: position + 1,
      role: MessageRole.ASSISTANT,
      content: '',
      status: MessageStatus.STREAMING,
      inReplyTo: { id: question.id },
    };
    const { leaseOwner, leaseExpiresAt } = this.createLease();
    await insertExchange.run(
      tx,
      ...([question.id, conversation.id, position, question.content, requestId, now] as const),
      ...([answer.id, conversation.id, answer.position, requestId, question.id] as const),
      ...([leaseOwner, leaseExpiresAt, now] as const),
    );
    return { conversation, question, answer };
  }

  /**
   * Replaces the last answer of a conversation with one that is to be generated. The new answer takes the old one's
   * position, and so its place in the history, in the prompt and in the count of messages since the last metadata update.
   * @throws NotLastAnswerError if a message follows the answer, or if it has been replaced.
   * @throws AnswerInProgressError while the answer is being generated.
   */
  async replaceAnswer(
    tx: EntityManager,
    viewer: Viewer,
    old: Message,
    request: { requestId?: string | null },
  ): Promise<Exchange> {
    const { conversation, last } = await this.#lockLastAnswer(tx, viewer, old);
    const position = last.position!;
    uncountExchange(conversation, last);
    last.position = null;
    // The position is unique: free it before the new answer is inserted.
    await tx.flush();
    const question = await tx.findOneOrFail(Message, { id: last.inReplyTo!.id });
    const answer = this.#createAnswer(tx, question, position, request);
    answer.replaces = ref(last);
    return { conversation, question, answer };
  }

  /**
   * Makes the last answer of a conversation one that is to be generated further.
   * @throws NotLastAnswerError if a message follows the answer, or if it has been replaced.
   * @throws AnswerInProgressError while the answer is being generated.
   * @throws BadUserInputError if the answer cannot be continued.
   */
  async continueAnswer(tx: EntityManager, viewer: Viewer, old: Message): Promise<Exchange> {
    const { conversation, last } = await this.#lockLastAnswer(tx, viewer, old);
    const obstacle = findObstacle(last);
    if (obstacle) throw new BadUserInputError({ answerId: obstacle });
    uncountExchange(conversation, last);
    Object.assign(last, { errorCode: null, finishReason: null, finishedAt: null });
    this.#startStreaming(last, new Date());
    const question = await tx.findOneOrFail(Message, { id: last.inReplyTo!.id });
    return { conversation, question, answer: last };
  }

  #createAnswer(
    tx: EntityManager,
    question: Message,
    position: number,
    { requestId }: { requestId?: string | null },
  ): Message {
    const answer = new Message();
    answer.conversation = question.conversation;
    answer.position = position;
    answer.role = MessageRole.ASSISTANT;
    answer.inReplyTo = ref(question);
    answer.requestId = requestId ?? null;
    this.#startStreaming(answer, answer.createdAt);
    tx.persist(answer);
    return answer;
  }

  #startStreaming(answer: Message, now: Date): void {
    answer.status = MessageStatus.STREAMING;
    const { leaseOwner, leaseExpiresAt } = this.createLease();
    answer.leaseOwner = leaseOwner;
    answer.leaseExpiresAt = leaseExpiresAt;
    answer.conversation.unwrap().updatedAt = now;
  }

  /** Returns the conversation with its new `updatedAt`, which is stored. */
  async #lockOrInsertConversation(
    tx: EntityManager,
    viewer: Viewer,
    { question, conversationId }: { question: string; conversationId?: string | null },
    now: Date,
  ): Promise<ConversationRow> {
    if (conversationId != null) {
      const found = await this.conversations.lockRow(tx, viewer, conversationId, 'conversationId');
      await touchConversation.run(tx, now, found.id);
      return { ...found, updatedAt: now };
    }
    const id = newId();
    const title = toProvisionalTitle(question);
    await insertConversation.run(tx, id, viewer.userId, title, now, now);
    return { ...NEW_CONVERSATION, id, owner: { id: viewer.userId }, title, createdAt: now, updatedAt: now };
  }

  /** @throws NotLastAnswerError if a message follows the answer, or if it has been replaced. */
  async #lockLastAnswer(tx: EntityManager, viewer: Viewer, answer: Message) {
    const conversation = await this.conversations.lock(tx, viewer, answer.conversation.id, 'answerId');
    const last = await this.#findLastMessage(tx, conversation);
    if (last?.id !== answer.id) throw new NotLastAnswerError();
    return { conversation, last };
  }

  /** @throws AnswerInProgressError if the last message is an answer that is being generated. */
  async #findLastMessage(tx: EntityManager, conversation: Conversation): Promise<Message | null> {
    const last = await tx.findOne(
      Message,
      { conversation: conversation.id, position: { $ne: null } },
      { orderBy: { position: 'desc' } },
    );
    if (last?.status === MessageStatus.STREAMING) throw new AnswerInProgressError(last.id);
    return last;
  }
}

const NEW_CONVERSATION = {
  titleSource: TitleSource.PROVISIONAL,
  metadata: null,
  metadataVersion: 0,
  coveredPosition: 0,
  messagesSinceContextUpdate: 0,
  saleStatus: null,
};

const NEW_MESSAGE = {
  reasoning: null,
  errorCode: null,
  finishReason: null,
  inReplyTo: null,
  replaces: null,
  model: null,
  promptTokens: null,
  completionTokens: null,
  usageEstimated: false,
  toolCallCount: 0,
  productCount: 0,
  unverifiedClaims: null,
  finishedAt: null,
};

/**
 * Takes the exchange of an answer that is going to change out of what the metadata covers and of the count of messages
 * since its last update. When the answer is finished, the exchange is counted again.
 */
function uncountExchange(conversation: Conversation, { position, content }: Message): void {
  if (position! < conversation.coveredPosition) {
    // The metadata covers the exchange: put it back into the prompt.
    conversation.coveredPosition = position! - 1;
  } else if (content !== '') {
    conversation.messagesSinceContextUpdate -= 2;
  }
  // A metadata update in progress was computed from the answer as it was: the new version prevents its being stored.
  conversation.metadataVersion += 1;
}

/** Returns why an answer cannot be continued, or null if it can. */
function findObstacle({ status, finishReason, content }: Message): string | null {
  if (content === '') return 'The answer has no text to continue; regenerate it instead.';
  if (status === MessageStatus.COMPLETED && finishReason !== FinishReason.LENGTH)
    return 'The answer is complete; ask a new question instead.';
  if (content.length >= MAX_CONTINUED_LENGTH)
    return 'The answer is too long to be continued; ask a new question instead.';
  return null;
}
