import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BUILD } from '../kit/build.js';
import { TestServer } from '../kit/server.js';

const run = promisify(execFile);

describe('commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const DATABASE_URL = `sqlite:${join(folder, 'parley.db')}`;
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const node = (script: string, ...args: string[]) =>
    run(process.execPath, [join(BUILD, 'src/commands', script), ...args], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL },
    });

  test('migrations can be listed, reverted and applied, and search finds the stored messages afterwards', async () => {
    const before = await TestServer.start({ DATABASE_URL });
    const jane = await before.user();
    await jane.ask('Findable', { stream: false });
    await before[Symbol.asyncDispose]();
    expect((await node('migrate.js', 'list')).stdout).toMatch(/^applied /m);
    // Back to before the migration that creates the search index.
    do expect((await node('migrate.js', 'down')).stdout).toMatch(/^Reverted: /);
    while (!/^pending .*search/m.test((await node('migrate.js', 'list')).stdout));
    expect((await node('migrate.js', 'up')).stdout).toMatch(/^Applied: /);
    // The migration rebuilds the search index from the stored messages.
    await using server = await TestServer.start({ DATABASE_URL });
    expect(
      await server.client(jane.accessToken).request('{ conversations(search: "findable") { totalCount } }'),
    ).toEqual({ conversations: { totalCount: 1 } });
    expect((await node('migrate.js', 'up')).stdout).toMatch(/^No pending migrations/);
    await expect(node('migrate.js', 'sideways')).rejects.toMatchObject({ code: 1 });
  });
});
