import { LockMode } from '@mikro-orm/core';
import type { Viewer } from '../auth/viewer.js';
import type { EntityManager } from '../platform/db/database.js';
import { isId } from '../platform/db/ids.js';
import { inTransaction } from '../platform/db/transaction.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import { findPage, type Page, type Reader } from '../platform/graphql/pages.js';
import type { Bus } from '../platform/pubsub/bus.js';
import { Conversation, TitleSource } from './conversation.entity.js';
import { conversationChanged, ConversationUpdateType } from './conversation.events.js';
import type { ConversationsArgs, RenameConversationInput } from './conversation.types.js';
import { matching } from './search.js';

export class ConversationService {
  constructor(private readonly bus: Bus) {}

  /** The viewer's conversation, or null for an unknown id, another user's, and what is no id. */
  async find(em: EntityManager, viewer: Viewer, id: string): Promise<Conversation | null> {
    return isId(id) ? await em.findOne(Conversation, { id, owner: viewer.userId }) : null;
  }

  /**
   * @param field the input's field that holds the id
   * @throws NotFoundError
   */
  async get(em: EntityManager, viewer: Viewer, id: string, field: string): Promise<Conversation> {
    const conversation = await this.find(em, viewer, id);
    if (!conversation) throw new NotFoundError(field, 'conversation');
    return conversation;
  }

  /**
   * The same, for a transaction that decides on what is in it: nobody else asks or answers in it until that ends.
   * @throws NotFoundError
   */
  async lock(tx: EntityManager, viewer: Viewer, id: string, field: string): Promise<Conversation> {
    const where = { id, owner: viewer.userId };
    const found = isId(id) && (await tx.findOne(Conversation, where, { lockMode: LockMode.PESSIMISTIC_WRITE }));
    if (!found) throw new NotFoundError(field, 'conversation');
    return found;
  }

  /** A page of the viewer's conversations, the most recently active first. */
  async page(reader: Reader, viewer: Viewer, { first, after, search }: ConversationsArgs): Promise<Page<Conversation>> {
    return await findPage(
      reader,
      { first, after },
      {
        entity: Conversation,
        where: () => ({ $and: [{ owner: viewer.userId }, matching(reader.em, viewer.userId, search ?? '')] }),
        orderBy: { updatedAt: 'desc', id: 'desc' },
        cursor: ['date', 'id'],
        otherwise: { first: 20 },
      },
    );
  }

  /** @throws NotFoundError */
  async rename(em: EntityManager, viewer: Viewer, { id, title }: RenameConversationInput): Promise<Conversation> {
    const conversation = await this.get(em, viewer, id, 'id');
    const given = { title, titleSource: TitleSource.USER, updatedAt: new Date() };
    // All of it: another title may have been generated since this one was read.
    const renamed = await em.nativeUpdate(Conversation, { id: conversation.id }, given);
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

  #publish(type: ConversationUpdateType, { userId: ownerId }: Viewer, conversationId: string): void {
    this.bus.publish(conversationChanged, { type, ownerId, conversationId });
  }
}

/** For context.load: only with ids of conversations that the viewer may see. */
export async function conversationsById(em: EntityManager, ids: readonly string[]): Promise<(Conversation | null)[]> {
  const found = new Map((await em.find(Conversation, { id: { $in: [...ids] } })).map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) ?? null);
}
