import { AskQuestionDocument, SalesReportDocument, UsageDocument } from '../../src/client/generated/graphql.js';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { ModelCall } from '../../src/memory/model-call.entity.js';
import { METADATA } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('usage', () => {
  test('answers, titles and memory updates are added up, per user and time', async () => {
    await using server = await TestServer.start();
    const [jane, john] = [await server.user(), await server.user()];
    let conversationId: string | undefined;
    for (let i = 0; i < 3; i += 1)
      conversationId = (await jane.ask('q', { stream: false, conversationId })).conversation.id;
    await server.settled();
    const usage = async (client: ApiClient, range = {}) => (await client.request(UsageDocument, range)).usage;
    // Three answers of 11 + 7, a title and a memory update of 100 + 10.
    const total = { promptTokens: 233, completionTokens: 41, totalTokens: 274, estimated: false };
    expect(await usage(jane)).toEqual({ answers: 3, usage: total });
    expect((await usage(john)).usage.totalTokens).toBe(0);
    const [past, soon] = [new Date(Date.now() - 60_000).toISOString(), new Date(Date.now() + 60_000).toISOString()];
    expect(await usage(jane, { from: past, to: soon })).toEqual({ answers: 3, usage: total });
    expect((await usage(jane, { to: past })).answers).toBe(0);
    expect((await usage(jane, { from: soon })).answers).toBe(0);
    expect(await jane.codeOf(UsageDocument, { from: 'yesterday' })).toBe('BAD_USER_INPUT');
    expect(await jane.codeOf(UsageDocument, { from: '0000-01-01T00:00:00.000Z' })).toBe('BAD_USER_INPUT');
  });

  test('where the provider sends no figures they are counted here, and marked', async () => {
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

  test('a spent quota refuses before the question is stored, until midnight UTC', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '100' });
    const [jane, john] = [await server.user(), await server.user()];
    const { conversation } = await jane.ask('First', { stream: false, requestId: 'first' });
    await server.settled();
    const [error] = await jane.errorsOf(AskQuestionDocument, {
      input: { question: 'Second', conversationId: conversation.id },
    });
    expect(error!.extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', retryAfter: expect.any(Number) });
    const midnight = new Date().setUTCHours(24, 0, 0, 0);
    const { retryAfter } = error!.extensions as { retryAfter: number };
    expect(Math.abs(retryAfter - (midnight - Date.now()) / 1000)).toBeLessThan(60);
    expect((await jane.conversation(conversation.id)).messages.totalCount).toBe(2);
    expect((await jane.ask('First', { requestId: 'first' })).question.content).toBe('First');
    await john.ask('Mine', { stream: false });
    // Yesterday's do not count.
    await server.server.services.orm.em
      .fork()
      .nativeUpdate(ModelCall, { user: jane.id }, { at: new Date(Date.now() - 86_400_000) });
    await jane.ask('Second', { stream: false, conversationId: conversation.id });
  });
});

describe('the sales report', () => {
  let server: TestServer;
  let jane: ApiClient & { id: string };
  let john: ApiClient & { id: string };

  /** A conversation with this metadata, last active on that day. */
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

  test('of one’s own', async () => {
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
      daily: [
        { day: '2026-03-01', byStatus: [{ status: 'CLOSED', count: 2 }] },
        { day: '2026-03-02', byStatus: [{ status: 'LOST', count: 1 }] },
        { day: '2026-03-04', byStatus: [{ status: 'EXPLORING', count: 1 }] },
      ],
    });
  });

  test('of a range, and of nothing', async () => {
    const march2 = await report(jane, { from: '2026-03-02T00:00:00.000Z', to: '2026-03-03T00:00:00.000Z' });
    expect(march2).toMatchObject({ conversations: 1, winRate: 0, topInterests: [{ term: 'shoes', count: 1 }] });
    expect(await report(jane, { from: '2027-01-01T00:00:00.000Z' })).toMatchObject({
      conversations: 0,
      byStatus: [],
      winRate: null,
      daily: [],
    });
  });

  test('only so many terms', async () => {
    const query = 'query ($n: Int!) { salesReport { topInterests(first: $n) { term } } }';
    expect(await jane.request(query, { n: 1 })).toEqual({ salesReport: { topInterests: [{ term: 'Tents' }] } });
    for (const n of [0, 101, -1]) expect(await jane.codeOf(query, { n })).toBe('BAD_USER_INPUT');
  });

  test('of everyone, for admins only', async () => {
    expect(await john.codeOf(SalesReportDocument, { scope: 'EVERYONE' })).toBe('FORBIDDEN');
    await server.server.services.orm.em.fork().nativeUpdate(User, { id: john.id }, { role: Role.ADMIN });
    expect(await report(john, { scope: 'EVERYONE' })).toMatchObject({ conversations: 6, winRate: 0.5 });
    expect(await report(john)).toMatchObject({ conversations: 1, winRate: 0 });
  });
});
