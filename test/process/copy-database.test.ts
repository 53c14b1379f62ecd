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
  SalesReportDocument,
  SessionsDocument,
  UsageDocument,
} from '../../src/client/generated/graphql.js';
import { entities } from '../../src/entities.js';
import { createDatabase, describePostgres } from '../kit/postgres.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

const run = promisify(execFile);
const JWT_SECRET = 'x'.repeat(40);

describePostgres('db:copy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const sqlite = `sqlite:${join(folder, 'parley.db')}`;
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const script = (name: string, args: string[], env = {}) =>
    run(process.execPath, [join(process.cwd(), 'dist/src', name), ...args], { env: { ...process.env, ...env } });
  const copy = (...args: string[]) => script('copy-database.js', args);

  /** Everything that the API shows of somebody. */
  async function everythingOf(client: ApiClient): Promise<unknown> {
    const { conversations } = await client.request(ConversationsDocument, {});
    return {
      conversations,
      me: await client.request(MeDocument),
      opened: await Promise.all(conversations.nodes.map(({ id }) => client.request(ConversationDocument, { id }))),
      found: await client.request(ConversationsDocument, { search: 'osterr asked' }),
      usage: await client.request(UsageDocument, {}),
      report: await client.request(SalesReportDocument, {}),
      sessions: await client.request(SessionsDocument),
    };
  }

  test('what was on SQLite is on PostgreSQL, and goes on', async () => {
    const before = await TestServer.start({ DATABASE_URL: sqlite, JWT_SECRET });
    const jane = await before.user({ email: 'Jane@example.com', name: 'Jané 🌱 \\ \' "', phone: '+14155550123' });
    const { login } = await before.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });
    let conversationId: string | undefined;
    for (const question of ['A tent for Österreich?', "Don't \\n 'quote' ?", 'And so on 🏕️'])
      conversationId = (await jane.ask(question, { stream: false, conversationId, requestId: question })).conversation
        .id;
    const { answer } = await jane.ask('Once more', { stream: false, conversationId });
    await jane.request(RegenerateAnswerDocument, { input: { answerId: answer.id, stream: false } });
    for (let i = 0; i < 120; i += 1) await jane.ask(`Many ${i}`, { stream: false });
    await before.settled();
    for (const entity of entities) expect(await before.em.count<object>(entity)).toBeGreaterThan(0);
    const told = await everythingOf(jane);
    await before[Symbol.asyncDispose]();

    await using target = await createDatabase('template0');
    const { stdout } = await copy(sqlite, target.url);
    expect(stdout).toMatch(/messages\s+249/);
    expect(stdout).toContain('Everything has been copied');

    await using after = await TestServer.start({ DATABASE_URL: target.url, JWT_SECRET });
    // The tokens of before are good, the password is, and a request that was answered is not asked again.
    const again = after.client(jane.accessToken);
    expect(await everythingOf(again)).toEqual(told);
    await after.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });
    await after.anyone.request(RefreshTokensDocument, { input: { refreshToken: login.refreshToken } });
    const retried = await again.ask('And so on 🏕️', { requestId: 'And so on 🏕️' });
    expect(retried.conversation.id).toBe(conversationId);
    const more = await again.ask('Goes on', { stream: false, conversationId });
    expect(more.answer.content).toBe('You asked: Goes on');

    // Not a second time.
    const refused = await copy(sqlite, target.url).catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/not empty.*\nNothing was copied/s) });
    expect(refused.stderr).not.toContain('    at ');
  });

  test('a source that is behind is told what to do; a target of another kind, and a missing file, too', async () => {
    await using target = await createDatabase();
    await script('migrate.js', ['up'], { DATABASE_URL: sqlite });
    await script('migrate.js', ['down'], { DATABASE_URL: sqlite });
    await expect(copy(sqlite, target.url)).rejects.toMatchObject({ stderr: expect.stringContaining('migration:up') });
    await expect(copy(sqlite, sqlite)).rejects.toMatchObject({ stderr: expect.stringContaining('PostgreSQL') });
    const missing = `sqlite:${join(folder, 'missing.db')}`;
    await expect(copy(missing, target.url)).rejects.toMatchObject({ stderr: expect.stringContaining('no file') });
    await expect(copy()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('npm run db:copy') });
    await expect(copy(sqlite, 'postgres:nonsense')).rejects.toMatchObject({ stderr: expect.stringContaining('TO: ') });
  });

  test('cut off in the middle, nothing is there', async () => {
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
