import type { MeasuredDatabase } from '../kit/databases.js';
import { TOKEN_LENGTH } from '../kit/token.js';

interface StoredAnswer {
  status: string;
  content: string;
  question: string;
  title_source: string;
  finish_reason: string;
  completion_tokens: number;
}

/** Checks the rows of a finished exchange. @throws Error if they differ from what is expected */
export async function checkStored(
  database: MeasuredDatabase,
  answerId: string,
  expected: { question: string; content?: string; tokens: number; isTitled: boolean },
): Promise<void> {
  const [row] = await database.query<StoredAnswer>(
    `select a.status, a.content, q.content as question, c.title_source, a.finish_reason, a.completion_tokens
     from messages a join messages q on q.id = a.in_reply_to_id join conversations c on c.id = a.conversation_id
     where a.id = ?`,
    answerId,
  );
  const problems = Object.entries({
    status: row?.status !== 'COMPLETED',
    question: row?.question !== expected.question,
    content: expected.content !== undefined && row?.content !== expected.content,
    tokens: row?.content.length !== expected.tokens * TOKEN_LENGTH,
    title: expected.isTitled && row?.title_source !== 'GENERATED',
    usage: row?.finish_reason !== 'STOP' || row.completion_tokens !== 10,
  });
  const names = problems.filter(([, isWrong]) => isWrong).map(([name]) => name);
  if (names.length > 0) throw new Error(`Stored answer ${answerId}: unexpected ${names.join(', ')}.`);
}

/** Returns the number of provider calls that are recorded. */
export async function countCalls(database: MeasuredDatabase): Promise<number> {
  const [row] = await database.query<{ calls: number | string }>('select count(*) as calls from model_calls');
  return Number(row!.calls);
}
