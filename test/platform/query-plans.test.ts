import {
  ChangePasswordDocument,
  ConversationDocument,
  ConversationsDocument,
  DeleteConversationDocument,
  EmailAvailableDocument,
  LoginDocument,
  LogoutAllDocument,
  LogoutDocument,
  MeDocument,
  MessageDocument,
  RefreshTokensDocument,
  RenameConversationDocument,
  SalesReportDocument,
  SessionsDocument,
  UsageDocument,
} from '../../src/client/generated/graphql.js';
import type { EntityManager } from '../../src/platform/db/database.js';
import { POSTGRES_URL } from '../kit/postgres.js';
import { queriesOf, type Query } from '../kit/queries.js';
import { PASSWORD, TestServer } from '../kit/server.js';

/** Virtual tables, json_each and the full-text index, are always "scanned", by what they are given. */
const isScan = (step: string): boolean => /^SCAN (?!.* VIRTUAL TABLE)|Seq Scan/.test(step);

const planOfSqlite = async (em: EntityManager, { sql, params }: Query): Promise<string[]> =>
  (await em.execute<{ detail: string }[]>(`explain query plan ${sql}`, params)).map(({ detail }) => detail);

/** With few rows it would read the whole table whatever indexes there are; forbidden, it does so only where it must. */
const planOfPostgres = (em: EntityManager, { sql, params }: Query): Promise<string[]> =>
  em.transactional(async (tx) => {
    await tx.execute('set local enable_seqscan = off');
    const rows = await tx.execute<{ 'QUERY PLAN': string }[]>(`explain ${sql}`, params);
    return rows.map((row) => row['QUERY PLAN']);
  });

test('no query of the contract scans a table', async () => {
  await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '1000000' });
  const jane = await server.user();
  const { login } = await server.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });

  const queries = await queriesOf(server, async () => {
    const { conversation, answer } = await jane.ask('A tent', { stream: false, requestId: 'r' });
    for (const question of ['And', 'so', 'on'])
      await jane.ask(question, { stream: false, conversationId: conversation.id });
    await server.settled();
    await jane.request(MeDocument);
    await jane.request(SessionsDocument);
    await jane.request(MessageDocument, { id: answer.id });
    await jane.follow(answer.id).rest();
    const { conversation: opened } = await jane.request(ConversationDocument, { id: conversation.id });
    await jane.request(ConversationDocument, {
      id: conversation.id,
      first: 2,
      after: opened!.messages.pageInfo.startCursor,
    });
    await jane.request(ConversationDocument, {
      id: conversation.id,
      last: 2,
      before: opened!.messages.pageInfo.endCursor,
    });
    const { conversations } = await jane.request(ConversationsDocument, { first: 1 });
    await jane.request(ConversationsDocument, { first: 1, after: conversations.pageInfo.endCursor });
    await jane.request(ConversationsDocument, { first: 1, search: 'tent on' });
    await jane.request(RenameConversationDocument, { input: { id: conversation.id, title: 'New' } });
    await jane.request(UsageDocument, { from: '2026-01-01T00:00:00.000Z' });
    await jane.request(SalesReportDocument, { scope: 'MINE' });
    await jane.request(DeleteConversationDocument, { input: { id: conversation.id } });
    await server.anyone.request(EmailAvailableDocument, { email: 'x@example.com' });
    await server.anyone.request(RefreshTokensDocument, { input: { refreshToken: login.refreshToken } });
    await server.anyone.request(LogoutDocument, { input: { refreshToken: login.refreshToken } });
    await jane.request(ChangePasswordDocument, {
      input: { currentPassword: PASSWORD, newPassword: 'something quite else' },
    });
    await jane.request(LogoutAllDocument);
    await server.server.services.sessions.cleanUp(server.server.services.orm.em.fork());
  });

  const scans: string[] = [];
  const explained = queries.filter(({ sql }) => /^\s*(select|update|delete)/i.test(sql));
  expect(explained.length).toBeGreaterThan(40);
  for (const query of explained) {
    const plan = await (POSTGRES_URL ? planOfPostgres : planOfSqlite)(server.em, query);
    if (plan.some(isScan)) scans.push(`${query.sql}\n  ${plan.join('\n  ')}`);
  }
  expect(scans).toEqual([]);
});
