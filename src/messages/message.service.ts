import type { Viewer } from '../auth/viewer.js';
import type { EntityManager } from '../platform/db/database.js';
import { isId } from '../platform/db/ids.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import { findPage, type Page, type PageArgs, type Reader } from '../platform/graphql/pages.js';
import { Message } from './message.entity.js';
import { MessageRole } from './message.enums.js';

export class MessageService {
  /** The viewer's message, or null for an unknown id, another user's, and what is no id. */
  async find(em: EntityManager, viewer: Viewer, id: string): Promise<Message | null> {
    return isId(id) ? await em.findOne(Message, { id, conversation: { owner: viewer.userId } }) : null;
  }

  /**
   * The viewer's answer.
   * @throws NotFoundError for what is none, naming the field `answerId`.
   */
  async getAnswer(em: EntityManager, viewer: Viewer, id: string): Promise<Message> {
    const answer = await this.find(em, viewer, id);
    if (answer?.role !== MessageRole.ASSISTANT) throw new NotFoundError('answerId', 'answer');
    return answer;
  }

  /** A page of the conversation, in order of creation; the last 50 where the arguments don't say. */
  page(reader: Reader, conversationId: string, args: PageArgs): Promise<Page<Message>> {
    return findPage(reader, args, {
      entity: Message,
      where: () => ({ conversation: conversationId, position: { $ne: null } }),
      orderBy: { position: 'asc' },
      cursor: ['integer'],
      otherwise: { last: 50 },
    });
  }
}

/** For context.load: only with ids of messages that the viewer may see. */
export async function messagesById(em: EntityManager, ids: readonly string[]): Promise<(Message | null)[]> {
  const found = new Map((await em.find(Message, { id: { $in: [...ids] } })).map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) ?? null);
}

/** For context.load: the newest message of each conversation. */
export async function lastMessages(em: EntityManager, conversationIds: readonly string[]): Promise<(Message | null)[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from messages as m where conversation_id in (${conversationIds.map(() => '?').join(', ')})
     and position = (select max(position) from messages where conversation_id = m.conversation_id)`,
    [...conversationIds],
  );
  const last = await em.find(Message, { id: { $in: rows.map(({ id }) => id) } });
  const found = new Map(last.map((message) => [message.conversation.id, message]));
  return conversationIds.map((id) => found.get(id) ?? null);
}
