import {
  ChangePasswordDocument,
  DeleteAccountDocument,
  DeleteConversationDocument,
  LoginDocument,
  RefreshTokensDocument,
  RegenerateAnswerDocument,
} from '../../client/src/generated/graphql.js';
import { INTERRUPTED } from '../../src/answering/answer-run.js';
import { AnswerStore } from '../../src/answering/answer.store.js';
import { AccountHashes } from '../../src/usage/account-hash.js';
import { TokenLedger } from '../../src/usage/token-ledger.js';
import { UsageService } from '../../src/usage/usage.service.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { createDatabase, describePostgres, type TestDatabase } from '../kit/postgres.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

/** Waits for concurrent requests and returns their data and the error codes of those that failed. */
async function settle<T>(requests: Promise<T>[]): Promise<{ data: T[]; codes: unknown[] }> {
  const settled = await Promise.allSettled(requests);
  return {
    data: settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    codes: settled.flatMap((one) =>
      one.status === 'rejected' ? [one.reason.response?.errors[0].extensions.code ?? one.reason] : [],
    ),
  };
}

describePostgres('two instances on one PostgreSQL', () => {
  let database: TestDatabase;
  let servers: TestServer[];
  beforeAll(async () => {
    database = await createDatabase();
    const settings = { DATABASE_URL: database.url, JWT_SECRET: 'x'.repeat(40) };
    const first = await TestServer.start(settings);
    servers = [first, await TestServer.start({ ...settings, OPENAI_BASE_URL: first.provider.baseUrl })];
  });
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  /** Registers a user. `all` has a client for each instance. */
  async function createUser(): Promise<{ all: ApiClient[]; one: ApiClient & { email: string } }> {
    const one = await servers[0]!.user();
    return { one, all: [one, servers[1]!.client(one.accessToken)] };
  }
  const sendTen = <T>(clients: ApiClient[], ask: (client: ApiClient, i: number) => Promise<T>) =>
    settle(Array.from({ length: 10 }, (_, i) => ask(clients[i % clients.length]!, i)));

  test('of ten simultaneous questions in one conversation, one is accepted', async () => {
    const { one, all } = await createUser();
    const { conversation } = await one.ask('First', { stream: false });
    const taken = servers[0]!.provider.takeCall();
    const { data, codes } = await sendTen(all, (client, i) =>
      client.ask(`Question ${i}`, { conversationId: conversation.id }),
    );
    expect(data).toHaveLength(1);
    expect(codes).toEqual(Array.from({ length: 9 }, () => 'ANSWER_IN_PROGRESS'));
    FakeProvider.done(await taken);
    expect((await one.conversation(conversation.id)).messages.totalCount).toBe(4);
  });

  test.each([
    ['in a new conversation', false],
    ['in an existing conversation', true],
  ])('simultaneous retries of a request %s return the same answer', async (_where, same) => {
    const { one, all } = await createUser();
    const conversationId = same ? (await one.ask('First', { stream: false })).conversation.id : undefined;
    const { data, codes } = await sendTen(all, (client) => client.ask('Once', { conversationId, requestId: 'once' }));
    expect(codes).toEqual([]);
    expect(new Set(data.map(({ answer }) => answer.id)).size).toBe(1);
    const { totalCount } = (await one.conversation(data[0]!.conversation.id)).messages;
    expect(totalCount).toBe(same ? 4 : 2);
  });

  test('of ten simultaneous regenerations, one is accepted and the counter is correct', async () => {
    const { one, all } = await createUser();
    const { conversation, answer } = await one.ask('Again', { stream: false });
    const input = { answerId: answer.id, stream: false };
    const { data, codes } = await sendTen(all, (client) => client.request(RegenerateAnswerDocument, { input }));
    expect(data).toHaveLength(1);
    expect(codes.filter((code) => code !== 'ANSWER_IN_PROGRESS' && code !== 'NOT_LAST_ANSWER')).toEqual([]);
    const { messages, messagesSinceContextUpdate } = await one.conversation(conversation.id);
    expect({ count: messages.totalCount, messagesSinceContextUpdate }).toEqual({
      count: 2,
      messagesSinceContextUpdate: 2,
    });
  });

  test('an answer with an expired lease is finished by exactly one instance', async () => {
    const { one } = await createUser();
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.push((await one.ask(`Lost ${i}`, { stream: false })).answer.id);
    await database.execute('delete from search_entries where message_id = any($1)', [ids]);
    // The state after a crash: the leases have expired and belong to no running instance.
    await database.execute(
      `update messages set status = 'STREAMING', finished_at = null, lease_owner = 'nobody',
       lease_expires_at = now() - interval '1 second' where id = any($1)`,
      [ids],
    );
    const store = new AnswerStore(
      new UsageService(new TokenLedger(new AccountHashes('secret'), { quota: null, budget: null, guests: null })),
      servers[0]!.server.services.claims,
    );
    const NOT_STREAMED = { content: null, reasoning: null };
    const racers = ids.flatMap((id) =>
      [0, 1, 0, 1].map((i) => store.takeOver(servers[i]!.em, id, INTERRUPTED, NOT_STREAMED)),
    );
    const taken = (await Promise.all(racers)).filter((ended) => ended !== null);
    // The heartbeats of both servers compete too.
    const mine = taken.map(({ id }) => id);
    expect(mine.length).toBe(new Set(mine).size);
    for (const id of ids)
      expect(await one.message(id)).toMatchObject({ status: 'FAILED', error: { code: 'INTERRUPTED' } });
  });

  test('a refresh during a password change leaves no valid refresh token', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { one } = await createUser();
      const { login } = await one.request(LoginDocument, { input: { email: one.email, password: PASSWORD } });
      const mine = servers[0]!.client(login.accessToken);
      const refresh = (refreshToken: string, server: TestServer) =>
        server.anyone.request(RefreshTokensDocument, { input: { refreshToken } });
      const input = { currentPassword: PASSWORD, newPassword: 'another battery staple' };
      const [refreshed, changed] = await Promise.all([
        settle(Array.from({ length: 8 }, (_, i) => refresh(login.refreshToken, servers[i % 2]!))),
        mine.request(ChangePasswordDocument, { input }),
      ]);
      expect(refreshed.codes.filter((code) => code !== 'UNAUTHENTICATED')).toEqual([]);
      const after = await settle(
        refreshed.data.map(({ refreshTokens }) => refresh(refreshTokens.refreshToken, servers[1]!)),
      );
      expect(after.data).toEqual([]);
      expect((await refresh(changed.changePassword.refreshToken, servers[1]!)).refreshTokens.user.id).toBeDefined();
    }
  });

  test('deletions during questions cause only the expected errors', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { one, all } = await createUser();
      const kept = await one.ask('Kept', { stream: false });
      const gone = await one.ask('Gone', { stream: false });
      const { codes } = await settle<unknown>([
        ...all.map((client) => client.ask('More', { conversationId: gone.conversation.id, stream: false })),
        one.request(DeleteConversationDocument, { input: { id: gone.conversation.id } }),
        ...all.map((client) => client.ask('More', { conversationId: kept.conversation.id, stream: false })),
        all[1]!.request(DeleteAccountDocument, { input: { password: PASSWORD } }),
        ...all.map((client) => client.ask('New')),
      ]);
      const allowed = ['NOT_FOUND', 'UNAUTHENTICATED', 'ANSWER_IN_PROGRESS'];
      expect(codes.filter((code) => !allowed.includes(code as string))).toEqual([]);
      expect((await settle([one.ask('Still there?')])).codes).toEqual(['UNAUTHENTICATED']);
    }
  });
});
