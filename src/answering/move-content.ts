import { conversationChanged, ConversationUpdateType } from '../conversations/conversation.topics.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { Bus } from '../platform/pubsub/bus.js';

/**
 * Makes the conversations of a guest, what they have cost and the ids of its requests those of an account. Answers in
 * progress go on: the code that stores them reads the owner under the lock of the conversation, which this takes first.
 * @returns notifies the clients of the account; call it after the commit
 */
export async function moveContent(tx: EntityManager, bus: Bus, guestId: string, userId: string): Promise<() => void> {
  const moved = await tx.execute<{ id: string }[]>(
    'update conversations set owner_id = ? where owner_id = ? returning id',
    [userId, guestId],
  );
  await tx.execute('update model_calls set user_id = ? where user_id = ?', [userId, guestId]);
  // The account may have used the same id, or use it now: its own request keeps it.
  await tx.execute(
    `insert into asked_requests (user_id, request_id, answer_id, created_at)
     select u.id, r.request_id, r.answer_id, r.created_at from asked_requests r join users u on u.id = ?
     where r.user_id = ? on conflict do nothing`,
    [userId, guestId],
  );
  await tx.execute('delete from asked_requests where user_id = ?', [guestId]);
  return () => {
    for (const { id: conversationId } of moved)
      bus.publish(conversationChanged, { type: ConversationUpdateType.CREATED, ownerId: userId, conversationId });
  };
}
