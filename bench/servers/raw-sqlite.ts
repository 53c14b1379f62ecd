import Database from 'better-sqlite3';
import { newId } from '../../src/platform/db/ids.js';
import { toSearchWords } from '../../src/platform/db/search-words.js';
import type { RawStore, StoredExchange } from './raw-store.js';

/** As long as the leases of Parley. */
const LEASE_MS = 8_000;
const OWNER = 'raw';

interface MessageRow {
  id: string;
  position: number;
  role: string;
  status: string;
  content: string;
  created_at: number;
  finished_at: number | null;
  model: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
}

const toIso = (time: number): string => new Date(time).toISOString();

/** Stores with better-sqlite3 and prepared statements, with the same pragmas as Parley. */
export function openSqliteStore(path: string): RawStore {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma('secure_delete = ON');
  db.pragma('foreign_keys = ON');
  db.function('search_words', { deterministic: true }, (text) => toSearchWords(text as string).join(' '));

  const viewer = db.prepare<[string, string, number], { token_version: number }>(
    `select s.token_version from sessions s join users u on u.id = s.user_id
     where s.id = ? and s.user_id = ? and s.ended_at is null and s.expires_at > ?`,
  );
  const user = db.prepare<[string], Record<'created_at' | 'updated_at', number>>(
    'select id, email, name, role, created_at, updated_at from users where id = ?',
  );
  const conversations = db.prepare<[string], Record<string, never>>(
    `select c.id, c.title, c.created_at, c.updated_at,
       m.id as message_id, m.role, m.status, m.content, m.created_at as message_created_at
     from (select id, title, created_at, updated_at from conversations where owner_id = ?
           order by updated_at desc, id desc limit 21) c
     left join messages m on m.conversation_id = c.id
       and m.position = (select max(position) from messages where conversation_id = c.id)
     order by c.updated_at desc, c.id desc`,
  );
  const conversation = db.prepare<[string, string], { id: string; title: string }>(
    'select id, title from conversations where id = ? and owner_id = ?',
  );
  const lastMessages = db.prepare<[string], MessageRow>(
    `select id, position, role, status, content, created_at, finished_at, model, prompt_tokens, completion_tokens
     from messages where conversation_id = ? and position is not null order by position desc limit 51`,
  );
  const last = db.prepare<[string], { position: number; status: string }>(
    `select position, status from messages where conversation_id = ? and position is not null order by position desc limit 1`,
  );
  const addConversation = db.prepare(
    `insert into conversations (id, owner_id, title, title_source, metadata_version, covered_position,
       messages_since_context_update, created_at, updated_at) values (?, ?, ?, 'PROVISIONAL', 0, 0, 0, ?, ?)`,
  );
  const addMessage = db.prepare(
    `insert into messages (id, conversation_id, position, role, content, status, in_reply_to_id, usage_estimated,
       lease_owner, lease_expires_at, created_at) values (?, ?, ?, ?, ?, ?, ?, false, ?, ?, ?)`,
  );
  const touch = db.prepare('update conversations set updated_at = ? where id = ?');
  const history = db.prepare<[string, number], { role: string; content: string }>(
    `select m.role, m.content from messages m join conversations c on c.id = m.conversation_id
     where c.id = ? and m.position >= c.covered_position and m.position < ? and m.status <> 'STREAMING' order by m.position`,
  );
  const answer = db.prepare<[string], { ownerId: string; content: string }>(
    `select c.owner_id as ownerId, m.content from messages m join conversations c on c.id = m.conversation_id
     where m.id = ? and m.role = 'ASSISTANT'`,
  );
  const save = db.prepare(
    `update messages set content = ?, lease_expires_at = ? where id = ? and lease_owner = ? and status = 'STREAMING'`,
  );
  const finish = db.prepare(
    `update messages set content = ?, status = 'COMPLETED', finish_reason = 'STOP', model = ?, prompt_tokens = ?,
       completion_tokens = ?, lease_owner = null, lease_expires_at = null, finished_at = ?
     where id = ? and lease_owner = ? and status = 'STREAMING'`,
  );
  const count = db.prepare(
    `update conversations set updated_at = ?, messages_since_context_update = messages_since_context_update + 2 where id = ?`,
  );
  const rename = db.prepare(
    `update conversations set title = ?, title_source = 'GENERATED', updated_at = ?
     where id = ? and title_source = 'PROVISIONAL'`,
  );
  const addCall = db.prepare(
    `insert into model_calls (id, user_id, at, purpose, prompt_tokens, completion_tokens, estimated)
     values (?, ?, ?, ?, ?, ?, false)`,
  );

  const ask = db.transaction((userId: string, question: string, conversationId: string | null): StoredExchange => {
    const now = Date.now();
    let position = 0;
    if (conversationId === null) {
      conversationId = newId();
      addConversation.run(conversationId, userId, question.slice(0, 60), now, now);
    } else {
      if (!conversation.get(conversationId, userId)) throw new Error('Conversation not found.');
      const before = last.get(conversationId);
      if (before?.status === 'STREAMING') throw new Error('The last answer is being generated.');
      position = (before?.position ?? -1) + 1;
      touch.run(now, conversationId);
    }
    const [questionId, answerId] = [newId(), newId()];
    addMessage.run(questionId, conversationId, position, 'USER', question, 'COMPLETED', null, null, null, now);
    const lease = now + LEASE_MS;
    addMessage.run(answerId, conversationId, position + 1, 'ASSISTANT', '', 'STREAMING', questionId, OWNER, lease, now);
    return { conversationId, questionId, answerId, position: position + 1 };
  });
  const saveAll = db.transaction((answers: readonly { id: string; content: string }[]) => {
    const lease = Date.now() + LEASE_MS;
    for (const { id, content } of answers) save.run(content, lease, id, OWNER);
  });

  return {
    async findViewer({ sub, sid, ver }) {
      return viewer.get(sid, sub, Date.now())?.token_version === ver ? { userId: sub } : null;
    },
    async getUser(userId) {
      const row = user.get(userId)!;
      const { created_at, updated_at, ...rest } = row;
      return { ...rest, createdAt: toIso(created_at), updatedAt: toIso(updated_at) };
    },
    async listConversations(userId) {
      const rows = conversations.all(userId);
      const nodes = rows.slice(0, 20).map((row) => ({
        id: row['id'],
        title: row['title'],
        createdAt: toIso(row['created_at']!),
        updatedAt: toIso(row['updated_at']!),
        lastMessage: {
          id: row['message_id'],
          role: row['role'],
          status: row['status'],
          content: row['content'],
          createdAt: toIso(row['message_created_at']!),
        },
      }));
      return { nodes, pageInfo: { hasNextPage: rows.length > 20 } };
    },
    async getConversation(userId, id) {
      const found = conversation.get(id, userId);
      if (!found) return null;
      const rows = lastMessages.all(id);
      const nodes = rows.slice(0, 50).map((row) => ({
        id: row.id,
        position: row.position,
        role: row.role,
        status: row.status,
        content: row.content,
        createdAt: toIso(row.created_at),
        finishedAt: row.finished_at && toIso(row.finished_at),
        model: row.model,
        usage:
          row.prompt_tokens === null
            ? null
            : { promptTokens: row.prompt_tokens, completionTokens: row.completion_tokens },
      }));
      return { ...found, messages: { nodes: nodes.reverse(), pageInfo: { hasPreviousPage: rows.length > 50 } } };
    },
    async addQuestion(userId, question, conversationId) {
      return ask(userId, question, conversationId);
    },
    async readHistory(conversationId, position) {
      return history.all(conversationId, position);
    },
    async findAnswer(id) {
      return answer.get(id) ?? null;
    },
    async saveTexts(answers) {
      if (answers.length > 0) saveAll(answers);
    },
    finishAnswer: async (exchange, ownerId, content, usage) =>
      db.transaction(() => {
        const now = Date.now();
        const { prompt_tokens, completion_tokens } = usage;
        finish.run(content, 'bench', prompt_tokens, completion_tokens, now, exchange.answerId, OWNER);
        count.run(now, exchange.conversationId);
        addCall.run(newId(), ownerId, now, 'ANSWER', prompt_tokens, completion_tokens);
      })(),
    setTitle: async (conversationId, ownerId, title, usage) =>
      db.transaction(() => {
        const now = Date.now();
        rename.run(title, now, conversationId);
        addCall.run(newId(), ownerId, now, 'TITLE', usage.prompt_tokens, usage.completion_tokens);
      })(),
  };
}
