import { PreparedList } from '../platform/db/prepared-page.js';
import {
  PreparedQuery,
  toBoolean,
  toDate,
  toDateOrNull,
  type StoredBoolean,
  type StoredDate,
} from '../platform/db/prepared-query.js';
import type { Message } from './message.entity.js';
import type { AnswerErrorCode, FinishReason, MessageRole, MessageStatus } from './message.enums.js';

/** A message as it is read for a response, with the ids of what it refers to. Each entity is one, too. */
export type MessageRow = Omit<Message, 'conversation' | 'inReplyTo' | 'replaces' | 'leaseOwner' | 'leaseExpiresAt'> & {
  conversation: { id: string };
  inReplyTo: { id: string } | null;
  replaces: { id: string } | null;
};

export interface StoredMessage {
  id: string;
  conversation_id: string;
  position: number | null;
  reasoning: string | null;
  role: MessageRole;
  content: string;
  status: MessageStatus;
  error_code: AnswerErrorCode | null;
  finish_reason: FinishReason | null;
  request_id: string | null;
  in_reply_to_id: string | null;
  replaces_id: string | null;
  model: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  usage_estimated: StoredBoolean;
  tool_call_count: number;
  product_count: number;
  unverified_claims: string | Message['unverifiedClaims'];
  created_at: StoredDate;
  finished_at: StoredDate | null;
}

const COLUMNS = `m.id, m.conversation_id, m.position, m.reasoning, m.role, m.content, m.status, m.error_code,
  m.finish_reason, m.request_id, m.in_reply_to_id, m.replaces_id, m.model, m.prompt_tokens, m.completion_tokens,
  m.usage_estimated, m.tool_call_count, m.product_count, m.unverified_claims, m.created_at, m.finished_at`;

/** A message of an owner. */
export const ownedMessageById = new PreparedQuery<[id: string, ownerId: string], StoredMessage>(
  `select ${COLUMNS} from messages m join conversations c on c.id = m.conversation_id where m.id = ? and c.owner_id = ?`,
);

export const messageById = new PreparedQuery<[id: string], StoredMessage>(
  `select ${COLUMNS} from messages m where m.id = ?`,
);

export const messagesById = new PreparedQuery<[ids: readonly string[]], StoredMessage>({
  sqlite: `select ${COLUMNS} from messages m where m.id in (select value from json_each(?))`,
  postgresql: `select ${COLUMNS} from messages m where m.id = any(cast(? as uuid[]))`,
});

/** The newest message of each conversation. */
export const lastMessages = new PreparedQuery<[conversationIds: readonly string[]], StoredMessage>({
  sqlite: `select ${COLUMNS} from json_each(?) as wanted join messages m on m.conversation_id = wanted.value
    and m.position = (select max(position) from messages where conversation_id = wanted.value)`,
  postgresql: `select ${COLUMNS} from unnest(cast(? as uuid[])) as wanted (id) cross join lateral
    (select * from messages where conversation_id = wanted.id and position is not null order by position desc limit 1) m`,
});

/** The messages of a conversation in order of creation, without those that have been replaced. */
export const messageList = new PreparedList<StoredMessage, MessageRow>({
  columns: COLUMNS,
  from: 'messages m where m.conversation_id = ? and m.position is not null',
  orderBy: ['m.position'],
  direction: 'asc',
  cursor: ['integer'],
  defaultPage: { last: 50 },
  toKey: ({ position }) => [position!],
  toNode: toMessage,
});

export function toMessage(row: StoredMessage): MessageRow {
  return {
    id: row.id,
    conversation: { id: row.conversation_id },
    position: row.position,
    reasoning: row.reasoning,
    role: row.role,
    content: row.content,
    status: row.status,
    errorCode: row.error_code,
    finishReason: row.finish_reason,
    requestId: row.request_id,
    inReplyTo: toReference(row.in_reply_to_id),
    replaces: toReference(row.replaces_id),
    model: row.model,
    promptTokens: row.prompt_tokens,
    completionTokens: row.completion_tokens,
    usageEstimated: toBoolean(row.usage_estimated),
    toolCallCount: row.tool_call_count,
    productCount: row.product_count,
    unverifiedClaims: toClaims(row.unverified_claims),
    createdAt: toDate(row.created_at),
    finishedAt: toDateOrNull(row.finished_at),
  };
}

const toReference = (id: string | null): { id: string } | null => (id === null ? null : { id });

/** SQLite stores a text. */
const toClaims = (stored: string | Message['unverifiedClaims']): Message['unverifiedClaims'] =>
  typeof stored === 'string' ? (JSON.parse(stored) as Message['unverifiedClaims']) : stored;
