import { mkdtempSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../kit/command.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('backup and restore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const count = async (client: ApiClient): Promise<number> =>
    (await client.request<{ conversations: { totalCount: number } }>('{ conversations { totalCount } }')).conversations
      .totalCount;

  test('a backup made while the server writes can be repeated and restored', async () => {
    const DATABASE_URL = `sqlite:${join(folder, 'live.db')}`;
    const file = join(folder, 'backup.db');
    const server = await TestServer.start({ DATABASE_URL });
    const jane = await server.user();
    await jane.ask('One', { stream: false });

    let isDone = false;
    const writing = (async () => {
      while (!isDone) await jane.ask('More', { stream: false });
    })();
    try {
      for (let i = 0; i < 2; i += 1) await runCommand('backup.js', [file], { DATABASE_URL });
    } finally {
      isDone = true;
      await writing;
    }
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const before = await count(jane);
    expect(before).toBeGreaterThan(1);

    await expect(runCommand('restore.js', [file], { DATABASE_URL })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is in use: stop the server first'),
    });
    await jane.ask('After the backup', { stream: false });
    await server[Symbol.asyncDispose]();

    const { stdout } = await runCommand('restore.js', [file], { DATABASE_URL });
    await using restored = await TestServer.start({ DATABASE_URL });
    const again = await count(restored.client(jane.accessToken));
    expect(again).toBeGreaterThanOrEqual(1);
    expect(again).toBeLessThanOrEqual(before);
    // The previous database is kept.
    const kept = /is now (.*)\.$/m.exec(stdout)![1]!;
    await using old = await TestServer.start({ DATABASE_URL: `sqlite:${kept}` });
    expect(await count(old.client(jane.accessToken))).toBe(before + 1);
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('restore rejects a file that is not an intact database of Parley, and changes nothing', async () => {
    const DATABASE_URL = `sqlite:${join(folder, 'kept.db')}`;
    const server = await TestServer.start({ DATABASE_URL });
    const jane = await server.user();
    await jane.ask('Stays', { stream: false });
    await server[Symbol.asyncDispose]();

    const garbage = join(folder, 'garbage.db');
    await writeFile(garbage, 'This is not a database. '.repeat(1_000));
    await expect(runCommand('restore.js', [garbage], { DATABASE_URL })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not an intact SQLite database'),
    });
    const empty = join(folder, 'empty.db');
    await writeFile(empty, '');
    await expect(runCommand('restore.js', [empty], { DATABASE_URL })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not a database of Parley'),
    });
    await using same = await TestServer.start({ DATABASE_URL });
    expect(await count(same.client(jane.accessToken))).toBe(1);
  });

  test('restore creates a database that does not exist yet', async () => {
    const source = join(folder, 'kept.db');
    const target = join(folder, 'new', 'parley.db');
    const file = join(folder, 'copy.db');
    await runCommand('backup.js', [file], { DATABASE_URL: `sqlite:${source}` });
    await mkdir(join(folder, 'new'));
    await copyFile(file, join(folder, 'new', 'backup.db'));
    await runCommand('restore.js', [file], { DATABASE_URL: `sqlite:${target}` });
    await using server = await TestServer.start({ DATABASE_URL: `sqlite:${target}` });
    expect(await server.count('conversations')).toBe(1);
  });
});
