import type { MessageStatus } from '../messages/message.enums.js';
import { PreparedQuery } from '../platform/db/prepared-query.js';

/** Columns that a statement does not name are null, or have their defaults. */
export const insertConversation = new PreparedQuery<
  [id: string, ownerId: string, title: string, createdAt: Date, updatedAt: Date],
  never
>(
  `insert into conversations (id, owner_id, title, title_source, metadata_version, covered_position,
     messages_since_context_update, created_at, updated_at) values (?, ?, ?, 'PROVISIONAL', 0, 0, 0, ?, ?)`,
);

export const touchConversation = new PreparedQuery<[updatedAt: Date, id: string], never>(
  'update conversations set updated_at = ? where id = ?',
);

/** The last message of a conversation, without those that have been replaced. */
export const lastPosition = new PreparedQuery<
  [conversationId: string],
  { id: string; position: number; status: MessageStatus }
>(
  `select id, position, status from messages where conversation_id = ? and position is not null
   order by position desc limit 1`,
);

/** A question, then the answer to be generated. */
export const insertExchange = new PreparedQuery<
  [
    ...[id: string, conversationId: string, position: number, content: string, requestId: string | null, at: Date],
    ...[id: string, conversationId: string, position: number, requestId: string | null, inReplyTo: string],
    ...[leaseOwner: string, leaseExpiresAt: Date, at: Date],
  ],
  never
>(
  `insert into messages (id, conversation_id, position, role, content, status, request_id, in_reply_to_id, lease_owner,
     lease_expires_at, created_at)
   values (?, ?, ?, 'USER', ?, 'COMPLETED', ?, null, null, null, ?),
     (?, ?, ?, 'ASSISTANT', '', 'STREAMING', ?, ?, ?, ?, ?)`,
);

export const insertAskedRequest = new PreparedQuery<
  [userId: string, requestId: string, answerId: string, createdAt: Date],
  never
>('insert into asked_requests (user_id, request_id, answer_id, created_at) values (?, ?, ?, ?)');
