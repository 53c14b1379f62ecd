import {
  ConversationDocument,
  MessageDocument,
  SalesReportDocument,
  SessionsDocument,
  UsageDocument,
} from '../../client/src/generated/graphql.js';
import { createDatabase, describePostgres } from '../kit/postgres.js';
import { TestServer } from '../kit/server.js';

/** Differ from what Parley expects, in every way that PostgreSQL allows. */
const DEFAULTS = {
  datestyle: `'SQL, DMY'`,
  timezone: `'Asia/Kolkata'`,
  client_encoding: `'LATIN1'`,
};

describePostgres('a database with other defaults', () => {
  test('does not change dates, texts or reports', async () => {
    await using database = await createDatabase();
    const [{ name }] = (await database.execute<{ name: string }>('select current_database() as name')) as [
      { name: string },
    ];
    for (const [setting, value] of Object.entries(DEFAULTS))
      await database.execute(`alter database "${name}" set ${setting} to ${value}`);
    await using server = await TestServer.start({ DATABASE_URL: database.url, JWT_SECRET: 'x'.repeat(40) });

    const before = Date.now();
    const jane = await server.user();
    const question = "Zelt für 4 € — 🏕 \\ '";
    const { conversation, answer } = await jane.ask(question, { stream: false });
    await server.settled();
    const isRecent = (date: string | null | undefined) =>
      Date.parse(date!) >= before - 1_000 && Date.parse(date!) <= Date.now() + 1_000;

    const { conversation: stored } = await jane.request(ConversationDocument, { id: conversation.id });
    expect(stored!.messages.edges[0]!.node.content).toBe(question);
    expect([stored!.createdAt, stored!.updatedAt].every(isRecent)).toBe(true);
    const { message } = await jane.request(MessageDocument, { id: answer.id });
    expect([message!.createdAt, message!.finishedAt].every(isRecent)).toBe(true);
    const { sessions } = await jane.request(SessionsDocument);
    expect(sessions.map(({ createdAt }) => createdAt).every(isRecent)).toBe(true);

    const from = new Date(before - 1_000).toISOString();
    expect((await jane.request(UsageDocument, { from })).usage.answers).toBe(1);
    expect((await jane.request(UsageDocument, { to: from })).usage.answers).toBe(0);
    // 20:00 UTC is 01:30 of the next day in India.
    const at = '2026-03-01T20:00:00Z';
    await database.execute(`update conversations set sale_status = 'CLOSED', updated_at = $1`, [at]);
    const { salesReport } = await jane.request(SalesReportDocument, { to: '2026-03-01T20:00:01.000Z' });
    expect(salesReport.daily).toEqual([{ day: '2026-03-01', byStatus: [{ status: 'CLOSED', count: 1 }] }]);
    const { conversation: moved } = await jane.request(ConversationDocument, { id: conversation.id });
    expect(Date.parse(moved!.updatedAt)).toBe(Date.parse(at));
  });
});
