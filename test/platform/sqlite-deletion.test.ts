import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteAccountDocument, DeleteConversationDocument } from '../../client/src/generated/graphql.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

describe('the files of a SQLite database', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const file = join(folder, 'data/parley.db');
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start({ DATABASE_URL: `sqlite:${file}` })));
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const contains = (text: string) =>
    [file, `${file}-wal`].some((path) => existsSync(path) && readFileSync(path, 'latin1').includes(text));

  test('contain nothing of a deleted conversation or account, not even in the search index', async () => {
    const [jane, john] = [await server.user(), await server.user()];
    // The index contains the word in lower case, the rows as it was written.
    const { conversation } = await jane.ask('Zephyrquartzmarker', { stream: false });
    await john.ask('Vexedjumblemarker', { stream: false });
    const kept = await jane.ask('Keptwalrusmarker', { stream: false });
    await server.settled();
    for (const text of ['Zephyrq', 'zephyrq', 'Vexedj', 'vexedj', 'Keptw', 'keptw', john.email])
      expect(contains(text)).toBe(true);

    await jane.request(DeleteConversationDocument, { input: { id: conversation.id } });
    await john.request(DeleteAccountDocument, { input: { password: PASSWORD } });
    const deleted = ['Zephyrq', 'zephyrq', 'Vexedj', 'vexedj', john.email];
    await until(() => !deleted.some(contains), 28_000);
    const search = '{ conversations(search: "keptwal") { nodes { id } } }';
    expect(await jane.request(search)).toEqual({ conversations: { nodes: [{ id: kept.conversation.id }] } });
  }, 60_000);

  test('may be read by their owner only', () => {
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(file + suffix).mode & 0o777).toBe(0o600);
  });
});
