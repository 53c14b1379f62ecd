import { LockMode } from '@mikro-orm/core';
import type { Viewer } from '../auth/viewer.js';
import type { EntityManager } from '../platform/db/orm.js';
import { isId } from '../platform/db/ids.js';
import { inTransaction } from '../platform/db/transaction.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import { findPage, toEdge, type Edge, type ListOrder, type Page, type Reader } from '../platform/db/find-page.js';
import type { Bus } from '../platform/pubsub/bus.js';
import { Conversation, TitleSource } from './conversation.entity.js';
import { conversationChanged, ConversationUpdateType } from './conversation.topics.js';
import type { ConversationsArgs, RenameConversationInput } from './conversation.types.js';
import { toSearchFilter } from './search.js';

const LIST: ListOrder<Conversation> = {
  entity: Conversation,
  orderBy: { updatedAt: 'desc', id: 'desc' },
  cursor: ['date', 'id'],
};

export class ConversationService {
  constructor(private readonly bus: Bus) {}

  /** Returns the viewer's conversation; null if the id is malformed, unknown, or another user's. */
  async find(em: EntityManager, viewer: Viewer, id: string): Promise<Conversation | null> {
    return isId(id) ? await em.findOne(Conversation, { id, owner: viewer.userId }) : null;
  }

  /**
   * Returns the viewer's conversation.
   * @param field The input field that contains the id, for the error.
   * @throws NotFoundError
   */
  async get(em: EntityManager, viewer: Viewer, id: string, field: string): Promise<Conversation> {
    const conversation = await this.find(em, viewer, id);
    if (!conversation) throw new NotFoundError(field, 'conversation');
    return conversation;
  }

  /**
   * Returns the viewer's conversation with its row locked, so that no message is added until the transaction ends.
   * @throws NotFoundError
   */
  async lock(tx: EntityManager, viewer: Viewer, id: string, field: string): Promise<Conversation> {
    const where = { id, owner: viewer.userId };
    const found = isId(id) && (await tx.findOne(Conversation, where, { lockMode: LockMode.PESSIMISTIC_WRITE }));
    if (!found) throw new NotFoundError(field, 'conversation');
    return found;
  }

  /** Returns a page of the viewer's conversations, most recently active first. */
  async list(reader: Reader, viewer: Viewer, { first, after, search }: ConversationsArgs): Promise<Page<Conversation>> {
    return await findPage(
      reader,
      { first, after },
      {
        ...LIST,
        where: () => ({ $and: [{ owner: viewer.userId }, toSearchFilter(reader.em, viewer.userId, search ?? '')] }),
        defaultPage: { first: 20 },
      },
    );
  }

  /** Returns the edge of a conversation in the list of its owner's conversations. */
  toEdge(em: EntityManager, conversation: Conversation): Edge<Conversation> {
    return toEdge(em, LIST, conversation);
  }

  /** @throws NotFoundError */
  async rename(em: EntityManager, viewer: Viewer, { id, title }: RenameConversationInput): Promise<Conversation> {
    const conversation = await this.get(em, viewer, id, 'id');
    const changes = { title, titleSource: TitleSource.USER, updatedAt: new Date() };
    // A direct update, because the entity may be stale: em.flush() would skip fields that seem unchanged.
    const renamed = await em.nativeUpdate(Conversation, { id: conversation.id }, changes);
    if (renamed === 0) throw new NotFoundError('id', 'conversation');
    this.#publish(ConversationUpdateType.RENAMED, viewer, conversation.id);
    return await em.refreshOrFail(conversation);
  }

  /** @throws NotFoundError */
  async delete(em: EntityManager, viewer: Viewer, id: string): Promise<void> {
    const conversation = await this.get(em, viewer, id, 'id');
    await inTransaction(em, (tx) => tx.nativeDelete(Conversation, { id: conversation.id }));
    this.#publish(ConversationUpdateType.DELETED, viewer, conversation.id);
  }

  #publish(type: ConversationUpdateType, { userId: ownerId, sessionId }: Viewer, conversationId: string): void {
    this.bus.publish(conversationChanged, { type, ownerId, conversationId, sessionId });
  }
}

/** Batch function for context.load(). It does not check ownership: pass only ids that the viewer may access. */
export async function findConversationsById(
  em: EntityManager,
  ids: readonly string[],
): Promise<(Conversation | null)[]> {
  const found = new Map((await em.find(Conversation, { id: { $in: [...ids] } })).map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) ?? null);
}
