import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  ConversationDocument,
  ConversationsDocument,
  LoginDocument,
  MeDocument,
  RefreshTokensDocument,
  RegenerateAnswerDocument,
  RequestDataExportDocument,
  RequestEmailVerificationDocument,
  SalesReportDocument,
  SessionsDocument,
  UsageDocument,
} from '../../client/src/generated/graphql.js';
import { EmailToken } from '../../src/auth/email-token.entity.js';
import { Identity } from '../../src/auth/identity.entity.js';
import { Mail } from '../../src/auth/mail.entity.js';
import { entities } from '../../src/entities.js';
import { Message } from '../../src/messages/message.entity.js';
import { ToolCallState } from '../../src/messages/message.enums.js';
import { ToolCall } from '../../src/messages/tool-call.entity.js';
import { newId } from '../../src/platform/db/ids.js';
import { ProductMention } from '../../src/catalogue/product-mention.entity.js';
import { Product } from '../../src/catalogue/product.entity.js';
import { TokenReservation } from '../../src/usage/token-reservation.entity.js';
import { BUILD } from '../kit/build.js';
import { createDatabase, describePostgres } from '../kit/postgres.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

const run = promisify(execFile);
const JWT_SECRET = 'x'.repeat(40);

/** Stores what an answer that looks into the catalogue leaves. */
async function addLookUp({ em }: TestServer, answer: string): Promise<void> {
  const at = new Date();
  const unverifiedClaims = [{ offset: 0, length: 5, text: '199 €' }];
  await em.nativeUpdate(Message, { id: answer }, { toolCallCount: 1, productCount: 1, unverifiedClaims });
  const call = {
    name: 'getProduct',
    arguments: '{"sku":"T-1"}',
    result: '{"title":"Zelt"}',
    state: ToolCallState.DONE,
  };
  await em.insert(ToolCall, { id: newId(), answer, position: 0, offset: 0, ...call, createdAt: at, finishedAt: at });
  const product = { sku: 'T-1', title: 'Zelt', url: null, imageUrl: null, price: 28_900, currency: 'EUR' };
  await em.insert(ProductMention, { id: newId(), answer, offset: 0, ...product, available: true, checkedAt: at });
}

describePostgres('db:copy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const sqlite = `sqlite:${join(folder, 'parley.db')}`;
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const script = (name: string, args: string[], env = {}) =>
    run(process.execPath, [join(BUILD, 'src/commands', name), ...args], {
      env: { ...process.env, ...env },
    });
  const copy = (...args: string[]) => script('copy-database.js', args);

  /** Reads everything that the API returns to a user. */
  async function readEverything(client: ApiClient): Promise<unknown> {
    const { conversations } = await client.request(ConversationsDocument, {});
    return {
      conversations,
      me: await client.request(MeDocument),
      opened: await Promise.all(
        conversations.edges.map(({ node: { id } }) => client.request(ConversationDocument, { id })),
      ),
      found: await client.request(ConversationsDocument, { search: 'osterr asked' }),
      products: await client.request(
        '{ products(search: "zelt", filter: { category: "zelte" }) { nodes { id sku } } }',
      ),
      usage: await client.request(UsageDocument, {}),
      report: await client.request(SalesReportDocument, {}),
      sessions: await client.request(SessionsDocument),
    };
  }

  test('a copied database has the same content, sessions and request ids', async () => {
    const before = await TestServer.start({ DATABASE_URL: sqlite, JWT_SECRET, DAILY_TOKEN_QUOTA: '999999999' });
    const jane = await before.user({ email: 'Jane@example.com', name: 'Jané 🌱 \\ \' "', phone: '+14155550123' });
    const { login } = await before.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });
    let conversationId: string | undefined;
    for (const question of ['A tent for Österreich?', "Don't \\n 'quote' ?", 'And so on 🏕️'])
      conversationId = (await jane.ask(question, { stream: false, conversationId, requestId: question })).conversation
        .id;
    const { answer: replaced } = await jane.ask('Once more', { stream: false, conversationId });
    const input = { answerId: replaced.id, stream: false };
    const { answer } = (await jane.request(RegenerateAnswerDocument, { input })).regenerateAnswer;
    for (let i = 0; i < 120; i += 1) await jane.ask(`Many ${i}`, { stream: false });
    await jane.request(RequestDataExportDocument);
    await jane.request(RequestEmailVerificationDocument);
    await until(async () => (await before.em.count(EmailToken)) === 1 && (await before.em.count(Mail)) === 0);
    const identity = { issuer: 'https://login.example.com', subject: 'jane', user: jane.id, createdAt: new Date() };
    await before.em.insert(Identity, identity);
    await before.settled();
    await before.em.insert(Product, Object.assign(new Product(), { sku: 'T-1', title: 'Zelt', categories: ['Zelte'] }));
    await addLookUp(before, answer.id);
    // Only running answers have reservations, and a mail is deleted when it is sent.
    const empty: unknown[] = [TokenReservation, Mail];
    for (const entity of entities)
      expect([entity, (await before.em.count<object>(entity)) === 0]).toEqual([entity, empty.includes(entity)]);
    const original = await readEverything(jane);
    await before[Symbol.asyncDispose]();

    await using target = await createDatabase('template0');
    const { stdout } = await copy(sqlite, target.url);
    expect(stdout).toMatch(/messages\s+249/);
    expect(stdout).toContain('Copied all tables');

    await using after = await TestServer.start({ DATABASE_URL: target.url, JWT_SECRET });
    // Earlier tokens and the password are still valid, and a repeated request id returns the stored answer.
    const again = after.client(jane.accessToken);
    expect(await readEverything(again)).toEqual(original);
    await after.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });
    await after.anyone.request(RefreshTokensDocument, { input: { refreshToken: login.refreshToken } });
    const retried = await again.ask('And so on 🏕️', { requestId: 'And so on 🏕️' });
    expect(retried.conversation.id).toBe(conversationId);
    const more = await again.ask('Goes on', { stream: false, conversationId });
    expect(more.answer.content).toBe('You asked: Goes on');

    // The target is no longer empty.
    const refused = await copy(sqlite, target.url).catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/already has.*\nNothing was copied/s) });
    expect(refused.stderr).not.toContain('    at ');
  });

  test('pending migrations, a wrong target, a missing file and missing arguments are reported', async () => {
    await using target = await createDatabase();
    await script('migrate.js', ['up'], { DATABASE_URL: sqlite });
    await script('migrate.js', ['down'], { DATABASE_URL: sqlite });
    await expect(copy(sqlite, target.url)).rejects.toMatchObject({ stderr: expect.stringContaining('migration:up') });
    await expect(copy(sqlite, sqlite)).rejects.toMatchObject({ stderr: expect.stringContaining('PostgreSQL') });
    const missing = `sqlite:${join(folder, 'missing.db')}`;
    await expect(copy(missing, target.url)).rejects.toMatchObject({
      stderr: expect.stringContaining('File not found'),
    });
    await expect(copy()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('npm run db:copy') });
    await expect(copy(sqlite, 'postgres:nonsense')).rejects.toMatchObject({ stderr: expect.stringContaining('TO: ') });
  });

  test('a failed copy leaves the target empty', async () => {
    const before = await TestServer.start({ DATABASE_URL: `sqlite:${join(folder, 'cut.db')}`, JWT_SECRET });
    const jane = await before.user();
    for (let i = 0; i < 5; i += 1) await jane.ask(`Many ${i}`, { stream: false });
    await before[Symbol.asyncDispose]();
    await using target = await createDatabase();
    await target.execute(
      `create function refuse() returns trigger language plpgsql as $$ begin raise 'disk full'; end $$`,
    );
    await target.execute('create trigger refuse before insert on model_calls execute function refuse()');
    await expect(copy(`sqlite:${join(folder, 'cut.db')}`, target.url)).rejects.toMatchObject({
      stderr: expect.stringMatching(/disk full[^]*Nothing was copied/),
    });
    expect(await target.execute('select 1 from users')).toEqual([]);
  });
});
