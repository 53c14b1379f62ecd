import type { ConversationRow } from '../conversations/conversation.row.js';
import type { EntityManager } from '../platform/db/orm.js';
import { Message } from '../messages/message.entity.js';
import type { MessageRow } from '../messages/message.row.js';

/** A question and its answer, with their conversation. */
export interface Exchange {
  conversation: ConversationRow;
  question: MessageRow;
  answer: MessageRow;
}

export async function loadExchange(em: EntityManager, answerId: string): Promise<Exchange | null> {
  const answer = await em.findOne(Message, { id: answerId }, { populate: ['conversation', 'inReplyTo'] });
  return answer && { conversation: answer.conversation.unwrap(), answer, question: answer.inReplyTo!.unwrap() };
}
