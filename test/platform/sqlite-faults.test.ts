import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AskQuestionDocument,
  ConversationsDocument,
  MeDocument,
  RegisterDocument,
} from '../../client/src/generated/graphql.js';
import { entities } from '../../src/entities.js';
import { openConnection } from '../../src/platform/db/database.js';
import { getSqliteClient } from '../../src/platform/db/sqlite.js';
import { BUILD } from '../kit/build.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { Instance } from '../kit/instance.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { ApiClient } from '../kit/user.js';

const LONG = { input: { question: 'x'.repeat(30_000) } };

describe('a SQLite database in trouble', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (file: string) => TestServer.start({ DATABASE_URL: `sqlite:${join(folder, file)}` });
  const getSqlite = ({ server }: TestServer) => getSqliteClient(server.services.orm);
  const getReadiness = async ({ url }: TestServer) => (await fetch(`${url}/readyz`)).status;

  test('a full database is UNAVAILABLE for writers, and recovers when there is room', async () => {
    await using server = await start('full.db');
    const jane = await server.user();
    const sqlite = await getSqlite(server);
    // SQLite raises it to the current size.
    sqlite.pragma('max_page_count = 1');
    expect(await jane.getErrorCode(AskQuestionDocument, LONG)).toBe('UNAVAILABLE');
    expect(await getReadiness(server)).toBe(503);
    expect((await jane.request(ConversationsDocument)).conversations.edges.length).toBe(0);

    sqlite.pragma('max_page_count = 1000000');
    await until(async () => (await getReadiness(server)) === 200);
    await jane.request(AskQuestionDocument, LONG);
    expect((await jane.request(ConversationsDocument)).conversations.edges.length).toBe(1);
  });

  test('a commit that fails leaves the connection usable, and the process ends on SIGTERM', async () => {
    await using provider = await FakeProvider.start();
    const settings = {
      DATABASE_URL: `sqlite:${join(folder, 'limited.db')}`,
      OPENAI_BASE_URL: provider.baseUrl,
      RATE_LIMIT_ASK: 'off',
    };
    // With this limit of KiB per file, the operating system fails to write the log of transactions.
    const script = `ulimit -S -f 1500; exec "$0" "$1"`;
    const launcher = ['bash', '-c', script, process.execPath, join(BUILD, 'src/main.js')];
    await using instance = new Instance(folder, settings, launcher);
    await instance.started;
    await using jane = await register(instance.url);
    let code: unknown = null;
    await until(async () => {
      code = await jane.getErrorCode(AskQuestionDocument, LONG).catch(() => null);
      return code !== null;
    });
    expect(code).toBe('UNAVAILABLE');
    expect(await instance.getReadiness()).toBe(503);
    expect((await jane.request(MeDocument)).me).toMatchObject({ name: null });

    execFileSync('prlimit', ['--fsize=unlimited', '--pid', String(instance.pid)]);
    await instance.ready();
    await jane.request(AskQuestionDocument, { input: { ...LONG.input, stream: false } });
    expect(await instance.stop()).toBe(0);
  });

  test('a database that became read-only is UNAVAILABLE for writers, and recovers', async () => {
    await using server = await start('read-only.db');
    const jane = await server.user();
    const sqlite = await getSqlite(server);
    sqlite.pragma('query_only = on');
    expect(await jane.getErrorCode(AskQuestionDocument, LONG)).toBe('UNAVAILABLE');
    expect(await getReadiness(server)).toBe(503);
    sqlite.pragma('query_only = off');
    await until(async () => (await getReadiness(server)) === 200);
    await jane.request(AskQuestionDocument, LONG);
  });

  test('nothing is written to a database whose folder has disappeared', async () => {
    await using server = await start('vanishing/parley.db');
    const jane = await server.user();
    await rename(join(folder, 'vanishing'), join(folder, 'gone'));
    expect(await jane.getErrorCode(AskQuestionDocument, LONG)).toBe('UNAVAILABLE');
    expect(await jane.getErrorCode(MeDocument)).toBe('UNAVAILABLE');
    expect(await getReadiness(server)).toBe(503);
    await rename(join(folder, 'gone'), join(folder, 'vanishing'));
    await jane.request(AskQuestionDocument, LONG);
    expect(await getReadiness(server)).toBe(200);
  });

  test('while another process writes, reads continue and a write waits', async () => {
    await using server = await start('locked.db');
    const jane = await server.user();
    await using other = await openConnection({ dialect: 'sqlite', path: join(folder, 'locked.db') }, entities);
    const writer = await getSqliteClient(other);
    writer.exec('begin immediate');
    const asked = jane.request(AskQuestionDocument, LONG);
    for (let i = 0; i < 3; i += 1) expect((await jane.request(MeDocument)).me.id).toBe(jane.id);
    writer.exec('commit');
    await asked;
  });

  test('a write is UNAVAILABLE if another process keeps the lock', async () => {
    await using server = await start('kept.db');
    const jane = await server.user();
    await using other = await openConnection({ dialect: 'sqlite', path: join(folder, 'kept.db') }, entities);
    const writer = await getSqliteClient(other);
    writer.exec('begin immediate');
    expect(await jane.getErrorCode(AskQuestionDocument, LONG)).toBe('UNAVAILABLE');
    writer.exec('rollback');
    await jane.request(AskQuestionDocument, LONG);
  });
});

async function register(url: string): Promise<ApiClient> {
  await using anyone = new ApiClient(url);
  const input = { email: 'jane@example.com', password: PASSWORD };
  return new ApiClient(url, (await anyone.request(RegisterDocument, { input })).register.accessToken);
}
