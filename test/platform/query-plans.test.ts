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
  MySecurityEventsDocument,
  MessageDocument,
  RefreshTokensDocument,
  RenameConversationDocument,
  SalesReportDocument,
  SessionsDocument,
  UsageDocument,
} from '../../client/src/generated/graphql.js';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import type { EntityManager } from '../../src/platform/db/orm.js';
import { POSTGRES_URL } from '../kit/postgres.js';
import { captureQueries, type Query } from '../kit/queries.js';
import { PASSWORD, TestServer } from '../kit/server.js';

/** SQLite always reports a scan for a virtual table such as json_each or the full-text index. */
const isScan = (step: string): boolean => /^SCAN (?!.* VIRTUAL TABLE)|Seq Scan/.test(step);

const explainSqlite = async (em: EntityManager, { sql, params }: Query): Promise<string[]> =>
  (await em.execute<{ detail: string }[]>(`explain query plan ${sql}`, params)).map(({ detail }) => detail);

/** For a small table the planner prefers a sequential scan. With enable_seqscan off, it scans only if no index fits. */
const explainPostgres = (em: EntityManager, { sql, params }: Query): Promise<string[]> =>
  em.transactional(async (tx) => {
    await tx.execute('set local enable_seqscan = off');
    const rows = await tx.execute<{ 'QUERY PLAN': string }[]>(`explain ${sql}`, params);
    return rows.map((row) => row['QUERY PLAN']);
  });

test('no query of the API scans a table', async () => {
  await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '1000000' });
  const jane = await server.user();
  const { login } = await server.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });

  const queries = await captureQueries(server, async () => {
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
    await server.em.nativeUpdate(User, { id: jane.id }, { role: Role.ADMIN });
    await jane.request(UsageDocument, { scope: 'EVERYONE' });
    await jane.request(SalesReportDocument, { scope: 'EVERYONE' });
    await jane.request(MySecurityEventsDocument);
    await jane.request(DeleteConversationDocument, { input: { id: conversation.id } });
    await server.anyone.request(EmailAvailableDocument, { email: 'x@example.com' });
    await server.anyone.request(RefreshTokensDocument, { input: { refreshToken: login.refreshToken } });
    await server.anyone.request(LogoutDocument, { input: { refreshToken: login.refreshToken } });
    const { changePassword } = await jane.request(ChangePasswordDocument, {
      input: { currentPassword: PASSWORD, newPassword: 'something quite else' },
    });
    await server.client(changePassword.accessToken).request(LogoutAllDocument);
    await server.server.services.sessions.cleanUp(server.server.services.orm.em.fork());
  });

  const scans: string[] = [];
  const explained = queries.filter(({ sql }) => /^\s*(select|update|delete)/i.test(sql));
  expect(explained.length).toBeGreaterThan(40);
  for (const query of explained) {
    const plan = await (POSTGRES_URL ? explainPostgres : explainSqlite)(server.em, query);
    if (plan.some(isScan)) scans.push(`${query.sql}\n  ${plan.join('\n  ')}`);
  }
  expect(scans).toEqual([]);
});
