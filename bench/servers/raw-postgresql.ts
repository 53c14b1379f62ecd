import pg from 'pg';
import { newId } from '../../src/platform/db/ids.js';
import type { RawStore, StoredExchange } from './raw-store.js';

/** As long as the leases of Parley. */
const LEASE_MS = 8_000;
const OWNER = 'raw';

/** The default of Parley. */
const POOL_SIZE = 10;

/** Named statements, which pg prepares once per connection. */
const SQL = {
  viewer: `select s.token_version from sessions s join users u on u.id = s.user_id
    where s.id = $1 and s.user_id = $2 and s.ended_at is null and s.expires_at > $3`,
  user: 'select id, email, name, role, created_at, updated_at from users where id = $1',
  conversations: `select c.id, c.title, c.created_at, c.updated_at,
      m.id as message_id, m.role, m.status, m.content, m.created_at as message_created_at
    from (select id, title, created_at, updated_at from conversations where owner_id = $1
          order by updated_at desc, id desc limit 21) c
    left join lateral (select id, role, status, content, created_at from messages
      where conversation_id = c.id and position is not null order by position desc limit 1) m on true
    order by c.updated_at desc, c.id desc`,
  conversation: 'select id, title from conversations where id = $1 and owner_id = $2',
  lockConversation: 'select id from conversations where id = $1 and owner_id = $2 for update',
  lastMessages: `select id, position, role, status, content, created_at, finished_at, model, prompt_tokens, completion_tokens
    from messages where conversation_id = $1 and position is not null order by position desc limit 51`,
  last: `select position, status from messages where conversation_id = $1 and position is not null order by position desc limit 1`,
  addConversation: `insert into conversations (id, owner_id, title, title_source, metadata_version, covered_position,
      messages_since_context_update, created_at, updated_at) values ($1, $2, $3, 'PROVISIONAL', 0, 0, 0, $4, $4)`,
  addMessages: `insert into messages (id, conversation_id, position, role, content, status, in_reply_to_id, usage_estimated,
      lease_owner, lease_expires_at, created_at)
    values ($1, $2, $3, 'USER', $4, 'COMPLETED', null, false, null, null, $5),
      ($6, $2, $7, 'ASSISTANT', '', 'STREAMING', $1, false, $8, $9, $5)`,
  touch: 'update conversations set updated_at = $1 where id = $2',
  history: `select m.role, m.content from messages m join conversations c on c.id = m.conversation_id
    where c.id = $1 and m.position >= c.covered_position and m.position < $2 and m.status <> 'STREAMING' order by m.position`,
  answer: `select c.owner_id as "ownerId", m.content from messages m join conversations c on c.id = m.conversation_id
    where m.id = $1 and m.role = 'ASSISTANT'`,
  save: `update messages set content = saved.content, lease_expires_at = $1
    from unnest($2::uuid[], $3::text[]) as saved (id, content)
    where messages.id = saved.id and lease_owner = $4 and status = 'STREAMING'`,
  finish: `update messages set content = $1, status = 'COMPLETED', finish_reason = 'STOP', model = 'bench', prompt_tokens = $2,
      completion_tokens = $3, lease_owner = null, lease_expires_at = null, finished_at = $4
    where id = $5 and lease_owner = $6 and status = 'STREAMING'`,
  count: `update conversations set updated_at = $1, messages_since_context_update = messages_since_context_update + 2 where id = $2`,
  rename: `update conversations set title = $1, title_source = 'GENERATED', updated_at = $2
    where id = $3 and title_source = 'PROVISIONAL'`,
  addCall: `insert into model_calls (id, user_id, at, purpose, prompt_tokens, completion_tokens, estimated)
    values ($1, $2, $3, $4, $5, $6, false)`,
};

type Run = (name: keyof typeof SQL, values: unknown[]) => Promise<Record<string, never>[]>;

/** Stores with pg and named statements. */
export function openPostgresqlStore(connectionString: string): RawStore {
  const pool = new pg.Pool({ connectionString, max: POOL_SIZE });
  const toRun =
    (client: pg.Pool | pg.PoolClient): Run =>
    async (name, values) =>
      (await client.query({ name, text: SQL[name], values })).rows as Record<string, never>[];
  const run = toRun(pool);

  async function inTransaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const result = await work(toRun(client));
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }

  return {
    async findViewer({ sub, sid, ver }) {
      const [row] = await run('viewer', [sid, sub, new Date()]);
      return row?.['token_version'] === ver ? { userId: sub } : null;
    },
    async getUser(userId) {
      const { created_at: createdAt, updated_at: updatedAt, ...rest } = (await run('user', [userId]))[0]!;
      return { ...rest, createdAt, updatedAt };
    },
    async listConversations(userId) {
      const rows = await run('conversations', [userId]);
      const nodes = rows.slice(0, 20).map((row) => ({
        id: row['id'],
        title: row['title'],
        createdAt: row['created_at'],
        updatedAt: row['updated_at'],
        lastMessage: {
          id: row['message_id'],
          role: row['role'],
          status: row['status'],
          content: row['content'],
          createdAt: row['message_created_at'],
        },
      }));
      return { nodes, pageInfo: { hasNextPage: rows.length > 20 } };
    },
    async getConversation(userId, id) {
      const [found] = await run('conversation', [id, userId]);
      if (!found) return null;
      const rows = await run('lastMessages', [id]);
      const nodes = rows.slice(0, 50).map((row) => ({
        id: row['id'],
        position: row['position'],
        role: row['role'],
        status: row['status'],
        content: row['content'],
        createdAt: row['created_at'],
        finishedAt: row['finished_at'],
        model: row['model'],
        usage:
          row['prompt_tokens'] === null
            ? null
            : { promptTokens: row['prompt_tokens'], completionTokens: row['completion_tokens'] },
      }));
      return { ...found, messages: { nodes: nodes.reverse(), pageInfo: { hasPreviousPage: rows.length > 50 } } };
    },
    addQuestion: (userId, question, asked) =>
      inTransaction(async (tx): Promise<StoredExchange> => {
        const now = new Date();
        let position = 0;
        const conversationId = asked ?? newId();
        if (asked === null) await tx('addConversation', [conversationId, userId, question.slice(0, 60), now]);
        else {
          const [locked] = await tx('lockConversation', [conversationId, userId]);
          if (!locked) throw new Error('Conversation not found.');
          const [before] = (await tx('last', [conversationId])) as unknown as { position: number; status: string }[];
          if (before?.status === 'STREAMING') throw new Error('The last answer is being generated.');
          position = (before?.position ?? -1) + 1;
          await tx('touch', [now, conversationId]);
        }
        const [questionId, answerId] = [newId(), newId()];
        const lease = new Date(now.getTime() + LEASE_MS);
        const exchange = { conversationId, questionId, answerId, position: position + 1 };
        const values = [questionId, conversationId, position, question, now, answerId, position + 1, OWNER, lease];
        await tx('addMessages', values);
        return exchange;
      }),
    readHistory: (conversationId, position) => run('history', [conversationId, position]) as never,
    findAnswer: async (id) => ((await run('answer', [id]))[0] as never) ?? null,
    async saveTexts(answers) {
      if (answers.length === 0) return;
      const lease = new Date(Date.now() + LEASE_MS);
      await run('save', [lease, answers.map(({ id }) => id), answers.map(({ content }) => content), OWNER]);
    },
    finishAnswer: ({ answerId, conversationId }, ownerId, content, { prompt_tokens, completion_tokens }) =>
      inTransaction(async (tx) => {
        const now = new Date();
        await tx('finish', [content, prompt_tokens, completion_tokens, now, answerId, OWNER]);
        await tx('count', [now, conversationId]);
        await tx('addCall', [newId(), ownerId, now, 'ANSWER', prompt_tokens, completion_tokens]);
      }),
    setTitle: (conversationId, ownerId, title, { prompt_tokens, completion_tokens }) =>
      inTransaction(async (tx) => {
        const now = new Date();
        await tx('rename', [title, now, conversationId]);
        await tx('addCall', [newId(), ownerId, now, 'TITLE', prompt_tokens, completion_tokens]);
      }),
  };
}
