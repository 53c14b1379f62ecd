import { AccessTokens } from '../../src/auth/access-tokens.js';
import { newId } from '../../src/platform/db/ids.js';
import type { EntityManager, Orm } from '../../src/platform/db/orm.js';

/** All measured servers have the same secret and copies of the same rows, so they accept the same tokens. */
export const JWT_SECRET = 'a secret of the benchmark, long enough';

const QUESTION = 'Which tent would you take for two people who walk for nine days, and how heavy is it? ';
const ANSWER = `The Fernlight weighs 1.9 kg, and both of you fit in with your packs. ${'It stays dry in a storm. '.repeat(24)}`;
const DAY_MS = 86_400_000;
const BATCH_SIZE = 1_000;

export interface SeededUser {
  id: string;
  token: string;
  /** Most recently active first. */
  conversations: string[];
}

/**
 * Adds a user with a session and conversations.
 * @param longest the number of messages of the most recent conversation; the others have two
 */
export async function seedUser(orm: Orm, conversations: number, longest = 2): Promise<SeededUser> {
  const [id, sessionId, now] = [newId(), newId(), Date.now()];
  return await orm.em.fork().transactional(async (tx) => {
    const time = (ms: number): unknown => (isSqlite(tx) ? ms : new Date(ms));
    await insert(
      tx,
      'users',
      [{ id, email: `${id}@example.com`, email_key: `${id}@example.com`, password_hash: 'x', role: 'USER' }].map(
        (row) => ({ ...row, created_at: time(now), updated_at: time(now) }),
      ),
    );
    await insert(tx, 'sessions', [
      {
        id: sessionId,
        user_id: id,
        created_at: time(now),
        last_used_at: time(now),
        expires_at: time(now + 7 * DAY_MS),
      },
    ]);
    const ids = Array.from({ length: conversations }, newId);
    for (let at = 0; at < conversations; at += BATCH_SIZE) {
      const batch = ids.slice(at, at + BATCH_SIZE);
      const [rows, messages]: [Row[], Row[]] = [[], []];
      for (const [index, conversation] of batch.entries()) {
        const began = now - DAY_MS - (at + index) * 60_000;
        const count = at + index === 0 ? longest : 2;
        rows.push({
          ...{
            id: conversation,
            owner_id: id,
            title: at + index === 0 ? 'A zeppelin' : `Conversation ${at + index}`,
            title_source: 'GENERATED',
          },
          ...{ metadata_version: 0, covered_position: count - 2, messages_since_context_update: 2 },
          ...{ created_at: time(began), updated_at: time(began + count * 1_000) },
        });
        messages.push(...createMessages(conversation, count, began, time));
      }
      await insert(tx, 'conversations', rows);
      for (let from = 0; from < messages.length; from += BATCH_SIZE)
        await insert(tx, 'messages', messages.slice(from, from + BATCH_SIZE));
    }
    const { token } = new AccessTokens(JWT_SECRET, [], DAY_MS).sign({ userId: id, sessionId, version: 0 });
    return { id, token, conversations: ids };
  });
}

type Row = Record<string, unknown>;

function createMessages(conversation: string, count: number, began: number, time: (ms: number) => unknown): Row[] {
  let question: string;
  return Array.from({ length: count }, (_, position) => {
    const id = newId();
    const at = time(began + position * 1_000);
    const common = { id, conversation_id: conversation, position, status: 'COMPLETED', created_at: at };
    if (position % 2 === 0) {
      question = id;
      return { ...common, ...toAnswerColumns(null), role: 'USER', content: `${QUESTION}${position}` };
    }
    return { ...common, ...toAnswerColumns({ question, at }), role: 'ASSISTANT', content: `${ANSWER}${position}` };
  });
}

/** @param answer null for a question */
const toAnswerColumns = (answer: { question: string; at: unknown } | null): Row => ({
  in_reply_to_id: answer?.question ?? null,
  finish_reason: answer && 'STOP',
  model: answer && 'bench',
  prompt_tokens: answer && 200,
  completion_tokens: answer && 150,
  finished_at: answer?.at ?? null,
});

/** Inserts rows with the same columns. */
async function insert(tx: EntityManager, table: string, rows: Row[]): Promise<void> {
  const columns = Object.keys(rows[0]!);
  const placeholders = rows.map(() => `(${columns.map(() => '?').join(', ')})`).join(', ');
  const values = rows.flatMap((row) => columns.map((column) => row[column]));
  await tx.execute(`insert into ${table} (${columns.join(', ')}) values ${placeholders}`, values);
}

const isSqlite = (em: EntityManager): boolean => em.getPlatform().constructor.name === 'SqlitePlatform';
