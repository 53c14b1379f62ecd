import type { Viewer } from '../auth/viewer.js';
import type { Edge, Page, PageRequest, Reader } from '../platform/db/find-page.js';
import { isId } from '../platform/db/ids.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { QueryTarget } from '../platform/db/prepared-query.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import { Message } from './message.entity.js';
import { MessageRole } from './message.enums.js';
import {
  lastMessages,
  messageList,
  messagesById,
  ownedMessageById,
  toMessage,
  type MessageRow,
} from './message.row.js';

export class MessageService {
  /** Returns the viewer's message; null if the id is malformed, unknown, or another user's. */
  async find(em: EntityManager, viewer: Viewer, id: string): Promise<Message | null> {
    return isId(id) ? await em.findOne(Message, { id, conversation: { owner: viewer.userId } }) : null;
  }

  /**
   * Returns the viewer's answer.
   * @throws NotFoundError for the field `answerId` if the id is not that of one of the viewer's answers.
   */
  async getAnswer(em: EntityManager, viewer: Viewer, id: string): Promise<Message> {
    return assertAnswer(await this.find(em, viewer, id));
  }

  /** Does the same as `getAnswer`, without an entity. */
  async readAnswer(db: QueryTarget, viewer: Viewer, id: string): Promise<MessageRow> {
    const row = isId(id) ? await ownedMessageById.get(db, id, viewer.userId) : null;
    return assertAnswer(row && toMessage(row));
  }

  /** Returns a page of the conversation's messages in order of creation; by default, the last 50. */
  list(reader: Reader, conversationId: string, request: PageRequest): Promise<Page<MessageRow>> {
    return messageList.read(reader, conversationId, request, () =>
      reader.em.count(Message, { conversation: conversationId, position: { $ne: null } }),
    );
  }

  /** Returns the edge of a message in its conversation; null if the message has been replaced. */
  toEdge(message: MessageRow): Edge<MessageRow> | null {
    return message.position === null ? null : messageList.toEdge(message);
  }
}

function assertAnswer<T extends { role: MessageRole }>(message: T | null): T {
  if (message?.role !== MessageRole.ASSISTANT) throw new NotFoundError('answerId', 'answer');
  return message;
}

/** Batch function for context.loadRows(). It does not check ownership: pass only ids that the viewer may access. */
export async function findMessagesById(db: QueryTarget, ids: readonly string[]): Promise<(MessageRow | null)[]> {
  const found = new Map((await messagesById.all(db, ids)).map((row) => [row.id, toMessage(row)]));
  return ids.map((id) => found.get(id) ?? null);
}

/** Batch function for context.loadRows(): the newest message of each conversation. */
export async function findLastMessages(
  db: QueryTarget,
  conversationIds: readonly string[],
): Promise<(MessageRow | null)[]> {
  const rows = await lastMessages.all(db, conversationIds);
  const found = new Map(rows.map((row) => [row.conversation_id, toMessage(row)]));
  return conversationIds.map((id) => found.get(id) ?? null);
}
