import { LockMode } from '@mikro-orm/core';
import type { Viewer } from '../auth/viewer.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { QueryTarget } from '../platform/db/prepared-query.js';
import { isId } from '../platform/db/ids.js';
import { inTransaction } from '../platform/db/transaction.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import { findPage, type Edge, type ListOrder, type Page, type Reader } from '../platform/db/find-page.js';
import type { Bus } from '../platform/pubsub/bus.js';
import { Conversation, TitleSource } from './conversation.entity.js';
import {
  conversationById,
  conversationsById,
  conversationList,
  lockedConversation,
  toConversation,
  type ConversationRow,
} from './conversation.row.js';
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

  /** Does the same as `find`, without an entity. */
  async read(db: QueryTarget, viewer: Viewer, id: string): Promise<ConversationRow | null> {
    const row = isId(id) ? await conversationById.get(db, id, viewer.userId) : null;
    return row && toConversation(row);
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

  /** Does the same as `lock`, without an entity. */
  async lockRow(tx: QueryTarget, viewer: Viewer, id: string, field: string): Promise<ConversationRow> {
    const row = isId(id) ? await lockedConversation.get(tx, id, viewer.userId) : null;
    if (!row) throw new NotFoundError(field, 'conversation');
    return toConversation(row);
  }

  /** Returns a page of the viewer's conversations, most recently active first. */
  async list(
    reader: Reader,
    viewer: Viewer,
    { first, after, search }: ConversationsArgs,
  ): Promise<Page<ConversationRow>> {
    const owned = { owner: viewer.userId };
    if ((search ?? '') === '')
      return await conversationList.read(reader, viewer.userId, { first, after }, () =>
        reader.em.count(Conversation, owned),
      );
    return await findPage(
      reader,
      { first, after },
      {
        ...LIST,
        where: () => ({ $and: [owned, toSearchFilter(reader.em, viewer.userId, search ?? '')] }),
        defaultPage: { first: 20 },
      },
    );
  }

  /** Returns the edge of a conversation in the list of its owner's conversations. */
  toEdge(conversation: ConversationRow): Edge<ConversationRow> {
    return conversationList.toEdge(conversation);
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

/** Batch function for context.loadRows(). It does not check ownership: pass only ids that the viewer may access. */
export async function findConversationsById(
  db: QueryTarget,
  ids: readonly string[],
): Promise<(ConversationRow | null)[]> {
  const found = new Map((await conversationsById.all(db, ids)).map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = found.get(id);
    return row ? toConversation(row) : null;
  });
}
