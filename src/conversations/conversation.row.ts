import { PreparedList } from '../platform/db/prepared-page.js';
import { PreparedQuery, toDate, type StoredDate } from '../platform/db/prepared-query.js';
import type { ConversationMetadata, SaleStatus } from './conversation-metadata.js';
import type { Conversation, TitleSource } from './conversation.entity.js';

/** A conversation as it is read for a response. Each entity is one, too. */
export type ConversationRow = Omit<Conversation, 'owner'> & { owner: { id: string } };

interface StoredConversation {
  id: string;
  owner_id: string;
  title: string;
  title_source: TitleSource;
  metadata: string | ConversationMetadata | null;
  metadata_version: number;
  covered_position: number;
  messages_since_context_update: number;
  sale_status: SaleStatus | null;
  created_at: StoredDate;
  updated_at: StoredDate;
}

const COLUMNS = `id, owner_id, title, title_source, metadata, metadata_version, covered_position,
  messages_since_context_update, sale_status, created_at, updated_at`;

export const conversationById = new PreparedQuery<[id: string, ownerId: string], StoredConversation>(
  `select ${COLUMNS} from conversations where id = ? and owner_id = ?`,
);

/** Like `conversationById`, with the row locked until the end of the transaction. */
export const lockedConversation = new PreparedQuery<[id: string, ownerId: string], StoredConversation>({
  sqlite: `select ${COLUMNS} from conversations where id = ? and owner_id = ?`,
  postgresql: `select ${COLUMNS} from conversations where id = ? and owner_id = ? for update`,
});

export const conversationsById = new PreparedQuery<[ids: readonly string[]], StoredConversation>({
  sqlite: `select ${COLUMNS} from conversations where id in (select value from json_each(?))`,
  postgresql: `select ${COLUMNS} from conversations where id = any(cast(? as uuid[]))`,
});

/** For an update of the metadata that may be due. */
export const messagesSinceUpdate = new PreparedQuery<[id: string], { messages: number }>(
  'select messages_since_context_update as messages from conversations where id = ?',
);

/** A conversation whose title is still the provisional one. */
export const untitledConversation = new PreparedQuery<[id: string], { id: string }>(
  `select id from conversations where id = ? and title_source = 'PROVISIONAL'`,
);

/** The conversations of an owner, most recently active first. */
export const conversationList = new PreparedList<StoredConversation, ConversationRow>({
  columns: COLUMNS,
  from: 'conversations where owner_id = ?',
  orderBy: ['updated_at', 'id'],
  direction: 'desc',
  cursor: ['date', 'id'],
  defaultPage: { first: 20 },
  toKey: ({ updatedAt, id }) => [updatedAt, id],
  toNode: toConversation,
});

export function toConversation(row: StoredConversation): ConversationRow {
  return {
    id: row.id,
    owner: { id: row.owner_id },
    title: row.title,
    titleSource: row.title_source,
    // Most responses do not contain it, and SQLite stores a text.
    get metadata() {
      return toMetadata(row.metadata);
    },
    metadataVersion: row.metadata_version,
    coveredPosition: row.covered_position,
    messagesSinceContextUpdate: row.messages_since_context_update,
    saleStatus: row.sale_status,
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
  };
}

export const toMetadata = (stored: string | ConversationMetadata | null): ConversationMetadata | null =>
  typeof stored === 'string' ? (JSON.parse(stored) as ConversationMetadata) : stored;
