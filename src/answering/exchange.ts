import { conversationsById, toConversation, type ConversationRow } from '../conversations/conversation.row.js';
import { messageById, toMessage, type MessageRow } from '../messages/message.row.js';
import type { QueryTarget } from '../platform/db/prepared-query.js';

/** A question and its answer, with their conversation. */
export interface Exchange {
  conversation: ConversationRow;
  question: MessageRow;
  answer: MessageRow;
}

/** Returns null if the answer does not exist, or is deleted meanwhile. */
export async function loadExchange(db: QueryTarget, answerId: string): Promise<Exchange | null> {
  const answer = await messageById.get(db, answerId);
  if (!answer) return null;
  const question = await messageById.get(db, answer.in_reply_to_id!);
  const [conversation] = await conversationsById.all(db, [answer.conversation_id]);
  if (!question || !conversation) return null;
  return { conversation: toConversation(conversation), question: toMessage(question), answer: toMessage(answer) };
}
