import type { Viewer } from '../auth/viewer.js';
import type { EntityManager } from '../platform/db/orm.js';
import { isId } from '../platform/db/ids.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import {
  findPage,
  toEdge,
  type Edge,
  type ListOrder,
  type Page,
  type PageRequest,
  type Reader,
} from '../platform/db/find-page.js';
import { Message } from './message.entity.js';
import { MessageRole } from './message.enums.js';

const LIST: ListOrder<Message> = { entity: Message, orderBy: { position: 'asc' }, cursor: ['integer'] };

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
    const answer = await this.find(em, viewer, id);
    if (answer?.role !== MessageRole.ASSISTANT) throw new NotFoundError('answerId', 'answer');
    return answer;
  }

  /** Returns a page of the conversation's messages in order of creation; by default, the last 50. */
  list(reader: Reader, conversationId: string, request: PageRequest): Promise<Page<Message>> {
    return findPage(reader, request, {
      ...LIST,
      where: () => ({ conversation: conversationId, position: { $ne: null } }),
      defaultPage: { last: 50 },
    });
  }

  /** Returns the edge of a message in its conversation; null if the message has been replaced. */
  toEdge(em: EntityManager, message: Message): Edge<Message> | null {
    return message.position === null ? null : toEdge(em, LIST, message);
  }
}

/** Batch function for context.load(). It does not check ownership: pass only ids that the viewer may access. */
export async function findMessagesById(em: EntityManager, ids: readonly string[]): Promise<(Message | null)[]> {
  const found = new Map((await em.find(Message, { id: { $in: [...ids] } })).map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) ?? null);
}

/** Batch function for context.load(): the newest message of each conversation. */
export async function findLastMessages(
  em: EntityManager,
  conversationIds: readonly string[],
): Promise<(Message | null)[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from messages as m where conversation_id in (${conversationIds.map(() => '?').join(', ')})
     and position = (select max(position) from messages where conversation_id = m.conversation_id)`,
    [...conversationIds],
  );
  const last = await em.find(Message, { id: { $in: rows.map(({ id }) => id) } });
  const found = new Map(last.map((message) => [message.conversation.id, message]));
  return conversationIds.map((id) => found.get(id) ?? null);
}
