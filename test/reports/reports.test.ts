import {
  AskQuestionDocument,
  SalesReportDocument,
  UsageDetailsDocument,
  UsageDocument,
  type ReportScope,
} from '../../client/src/generated/graphql.js';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { METADATA } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('usage', () => {
  test('sums answers, titles and memory updates by user and range', async () => {
    await using server = await TestServer.start();
    const [jane, john] = [await server.user(), await server.user()];
    let conversationId: string | undefined;
    for (let i = 0; i < 3; i += 1)
      conversationId = (await jane.ask('q', { stream: false, conversationId })).conversation.id;
    await server.settled();
    const usage = async (client: ApiClient, range = {}) => (await client.request(UsageDocument, range)).usage;
    // Three answers with 11 + 7 tokens, a title and a memory update with 100 + 10 tokens each.
    const total = { promptTokens: 233, completionTokens: 41, totalTokens: 274, estimated: false };
    expect(await usage(jane)).toEqual({ answers: 3, usage: total });
    expect((await usage(john)).usage.totalTokens).toBe(0);
    const [past, soon] = [new Date(Date.now() - 60_000).toISOString(), new Date(Date.now() + 60_000).toISOString()];
    expect(await usage(jane, { from: past, to: soon })).toEqual({ answers: 3, usage: total });
    expect((await usage(jane, { to: past })).answers).toBe(0);
    expect((await usage(jane, { from: soon })).answers).toBe(0);
    expect(await jane.getErrorCode(UsageDocument, { from: 'yesterday' })).toBe('BAD_USER_INPUT');
    expect(await jane.getErrorCode(UsageDocument, { from: '0000-01-01T00:00:00.000Z' })).toBe('BAD_USER_INPUT');
  });

  test('includes the calls of all users for admins only', async () => {
    await using server = await TestServer.start();
    const [jane, john] = [await server.user(), await server.user()];
    for (const user of [jane, john]) await user.ask('q', { stream: false });
    await server.settled();
    const usage = async (scope?: ReportScope) => (await john.request(UsageDocument, { scope })).usage;
    const own = await usage();
    const [error] = await john.getErrors(UsageDocument, { scope: 'EVERYONE' });
    expect(error).toMatchObject({ message: expect.stringContaining('ADMIN'), extensions: { code: 'FORBIDDEN' } });
    await server.server.services.orm.em.fork().nativeUpdate(User, { id: john.id }, { role: Role.ADMIN });
    expect(await usage('EVERYONE')).toMatchObject({
      answers: 2,
      usage: { totalTokens: 2 * own.usage.totalTokens, estimated: false },
    });
    expect(await usage('MINE')).toEqual(own);
  });

  test('adds up the days and the users of a range', async () => {
    await using server = await TestServer.start();
    const [jane, john] = [await server.user({ name: 'Jane' }), await server.user()];
    for (const user of [jane, john, jane]) await user.ask('q', { stream: false });
    await server.settled();
    // One answer of Jane was given on another day.
    await server.em.execute(
      `update model_calls set at = ? where id = (select id from model_calls where user_id = ? and purpose = 'ANSWER' order by at limit 1)`,
      [new Date('2026-01-31T23:30:00Z'), jane.id],
    );
    const { usage } = await jane.request(UsageDetailsDocument, {});
    expect(usage.daily.map(({ answers }) => answers)).toEqual([1, 1]);
    expect(usage.daily[0]).toMatchObject({ day: '2026-01-31', usage: { promptTokens: 11, completionTokens: 7 } });
    expect(usage.daily.reduce((sum, day) => sum + day.usage.totalTokens, 0)).toBe(usage.usage.totalTokens);
    expect(usage.byUser).toEqual([
      { user: { id: jane.id, email: jane.email, name: 'Jane' }, answers: 2, usage: usage.usage },
    ]);
    const later = { from: '2026-02-01T00:00:00.000Z' };
    expect((await jane.request(UsageDetailsDocument, later)).usage.daily).toHaveLength(1);
    await server.em.nativeUpdate(User, { id: john.id }, { role: Role.ADMIN });
    const everyone = (await john.request(UsageDetailsDocument, { scope: 'EVERYONE' })).usage;
    expect(everyone.byUser.map(({ user }) => user.id)).toEqual([jane.id, john.id]);
    expect(await john.getErrorCode('{ usage { byUser(first: 101) { answers } } }')).toBe('BAD_USER_INPUT');
  });

  test('counts tokens and marks them as estimated if the provider sends no usage', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const asked = jane.ask('No figures', { stream: false });
    const call = await taken;
    call.delta('one two three');
    call.finish('stop', null);
    const { answer } = await asked;
    expect(answer.usage).toMatchObject({ completionTokens: 3, estimated: true });
    expect(answer.usage!.promptTokens).toBeGreaterThan(50);
    await server.settled();
    expect((await jane.request(UsageDocument, {})).usage.usage.estimated).toBe(true);
  });

  test('a question over the daily quota fails before it is stored, until midnight UTC', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '100' });
    const [jane, john] = [await server.user(), await server.user()];
    const { conversation } = await jane.ask('First', { stream: false, requestId: 'first' });
    await server.settled();
    const [error] = await jane.getErrors(AskQuestionDocument, {
      input: { question: 'Second', conversationId: conversation.id },
    });
    expect(error!.extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', retryAfter: expect.any(Number) });
    const midnight = new Date().setUTCHours(24, 0, 0, 0);
    const { retryAfter } = error!.extensions as { retryAfter: number };
    expect(Math.abs(retryAfter - (midnight - Date.now()) / 1000)).toBeLessThan(60);
    expect((await jane.conversation(conversation.id)).messages.totalCount).toBe(2);
    expect((await jane.ask('First', { requestId: 'first' })).question.content).toBe('First');
    await john.ask('Mine', { stream: false });
    // Tokens of yesterday do not count.
    await server.em.execute("update daily_tokens set day = '2026-01-01'");
    await jane.ask('Second', { stream: false, conversationId: conversation.id });
  });
});

describe('salesReport', () => {
  let server: TestServer;
  let jane: ApiClient & { id: string };
  let john: ApiClient & { id: string };

  /** Stores a conversation with this metadata, last active on this day. */
  async function store(owner: { id: string }, metadata: object | null, day: string): Promise<void> {
    const em = server.server.services.orm.em.fork();
    const at = new Date(`${day}T12:00:00Z`);
    await em.execute(
      `insert into conversations (id, owner_id, title, title_source, metadata, sale_status, created_at, updated_at,
         metadata_version, covered_position, messages_since_context_update) values (?, ?, 't', 'USER', ?, ?, ?, ?, 0, 0, 0)`,
      [
        crypto.randomUUID(),
        owner.id,
        metadata && JSON.stringify(metadata),
        (metadata as typeof METADATA | null)?.saleStatus ?? null,
        at,
        at,
      ],
    );
  }
  beforeAll(async () => {
    server = await TestServer.start();
    [jane, john] = [await server.user(), await server.user()];
    const base = { ...METADATA, interests: [], offeredProducts: [], rejectedProducts: [] };
    await store(
      jane,
      { ...base, saleStatus: 'CLOSED', interests: ['Tents', 'stoves'], offeredProducts: ['A', 'B'] },
      '2026-03-01',
    );
    await store(
      jane,
      { ...base, saleStatus: 'CLOSED', interests: ['tents ', 'tents'], rejectedProducts: ['B'] },
      '2026-03-01',
    );
    await store(jane, { ...base, saleStatus: 'LOST', interests: ['shoes'], offeredProducts: ['A'] }, '2026-03-02');
    await store(jane, { ...base, saleStatus: 'EXPLORING', interests: ['tents'] }, '2026-03-04');
    await store(jane, null, '2026-03-05');
    await store(john, { ...base, saleStatus: 'LOST', interests: ['boats'] }, '2026-03-01');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const report = async (client: ApiClient, variables: object = {}) =>
    (await client.request(SalesReportDocument, variables)).salesReport;

  test('includes one’s own conversations by default', async () => {
    expect(await report(jane)).toEqual({
      conversations: 5,
      byStatus: [
        { status: 'EXPLORING', count: 1 },
        { status: 'CLOSED', count: 2 },
        { status: 'LOST', count: 1 },
      ],
      winRate: 2 / 3,
      topInterests: [
        { term: 'Tents', count: 3 },
        { term: 'shoes', count: 1 },
        { term: 'stoves', count: 1 },
      ],
      topOfferedProducts: [
        { term: 'A', count: 2 },
        { term: 'B', count: 1 },
      ],
      topRejectedProducts: [{ term: 'B', count: 1 }],
      topShownProducts: [],
      unverifiedClaims: 0,
      daily: [
        { day: '2026-03-01', byStatus: [{ status: 'CLOSED', count: 2 }] },
        { day: '2026-03-02', byStatus: [{ status: 'LOST', count: 1 }] },
        { day: '2026-03-04', byStatus: [{ status: 'EXPLORING', count: 1 }] },
      ],
    });
  });

  test('is limited to a range and is empty without conversations', async () => {
    const march2 = await report(jane, { from: '2026-03-02T00:00:00.000Z', to: '2026-03-03T00:00:00.000Z' });
    expect(march2).toMatchObject({ conversations: 1, winRate: 0, topInterests: [{ term: 'shoes', count: 1 }] });
    expect(await report(jane, { from: '2027-01-01T00:00:00.000Z' })).toMatchObject({
      conversations: 0,
      byStatus: [],
      winRate: null,
      daily: [],
    });
  });

  test('limits terms to `first`, 1 to 100', async () => {
    const query = 'query ($n: Int!) { salesReport { topInterests(first: $n) { term } } }';
    expect(await jane.request(query, { n: 1 })).toEqual({ salesReport: { topInterests: [{ term: 'Tents' }] } });
    for (const n of [0, 101, -1]) expect(await jane.getErrorCode(query, { n })).toBe('BAD_USER_INPUT');
  });

  test('includes the conversations of all users for admins only', async () => {
    expect(await john.getErrorCode(SalesReportDocument, { scope: 'EVERYONE' })).toBe('FORBIDDEN');
    await server.server.services.orm.em.fork().nativeUpdate(User, { id: john.id }, { role: Role.ADMIN });
    expect(await report(john, { scope: 'EVERYONE' })).toMatchObject({ conversations: 6, winRate: 0.5 });
    expect(await report(john)).toMatchObject({ conversations: 1, winRate: 0 });
  });
});
