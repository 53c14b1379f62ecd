import { setImmediate } from 'node:timers/promises';
import { Conversation } from '../conversations/conversation.entity.js';
import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { Message } from './message.entity.js';

/** Rows that are deleted at once, with their entries of the search index. */
const BATCH_SIZE = 200;

/**
 * Deletes the messages and conversations of a user in batches, so that other requests do not wait. Conversations that are
 * added meanwhile stay.
 */
export async function deleteContent(em: EntityManager, userId: string): Promise<void> {
  const batch = [userId, new Date(), BATCH_SIZE];
  const messages = `select m.id from conversations c join messages m on m.conversation_id = c.id
    where c.owner_id = ? and c.created_at <= ? limit ?`;
  const conversations = 'select id from conversations where owner_id = ? and created_at <= ? limit ?';
  await repeat(em, messages, batch, (tx, ids) => tx.nativeDelete(Message, { id: ids }));
  await repeat(em, conversations, batch, (tx, ids) => tx.nativeDelete(Conversation, { id: ids }));
}

/** Deletes the rows that the query finds until it finds none. */
async function repeat(
  em: EntityManager,
  query: string,
  parameters: unknown[],
  deleteRows: (tx: EntityManager, ids: string[]) => Promise<number>,
): Promise<void> {
  for (;;) {
    const rows = await em.fork().execute<{ id: string }[]>(query, parameters);
    if (rows.length === 0) return;
    await inTransaction(em, (tx) =>
      deleteRows(
        tx,
        rows.map(({ id }) => id),
      ),
    );
    await setImmediate();
  }
}
