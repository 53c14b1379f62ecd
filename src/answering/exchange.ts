import type { EntityManager } from '../platform/db/orm.js';
import { Message } from '../messages/message.entity.js';

/** A question and its answer, with their conversation loaded. */
export interface Exchange {
  question: Message;
  answer: Message;
}

export async function loadExchange(em: EntityManager, answerId: string): Promise<Exchange | null> {
  const answer = await em.findOne(Message, { id: answerId }, { populate: ['conversation', 'inReplyTo'] });
  return answer && { answer, question: answer.inReplyTo!.unwrap() };
}
