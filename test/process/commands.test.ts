import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MeDocument } from '../../src/client/generated/graphql.js';
import { TestServer } from '../kit/server.js';

const run = promisify(execFile);

describe('commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const DATABASE_URL = `sqlite:${join(folder, 'parley.db')}`;
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const node = (script: string, ...args: string[]) =>
    run(process.execPath, [join(process.cwd(), 'dist/src', script), ...args], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL },
    });

  test('grant-admin makes an account an admin, while the server runs', async () => {
    await using server = await TestServer.start({ DATABASE_URL });
    const jane = await server.user({ email: 'Boss@example.com' });
    expect((await jane.request(MeDocument)).me.role).toBe('USER');
    expect((await node('grant-admin.js', 'boss@EXAMPLE.com')).stdout).toContain('is an admin now');
    expect((await jane.request(MeDocument)).me.role).toBe('ADMIN');
  });

  test('grant-admin says who is missing', async () => {
    await expect(node('grant-admin.js')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('EMAIL') });
    await expect(node('grant-admin.js', 'nobody@example.com')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no account'),
    });
  });

  test('migrations go down, up, and are listed; what is stored can be found again', async () => {
    const before = await TestServer.start({ DATABASE_URL });
    const jane = await before.user();
    await jane.ask('Findable', { stream: false });
    await before[Symbol.asyncDispose]();
    expect((await node('migrate.js', 'list')).stdout).toMatch(/^applied /m);
    expect((await node('migrate.js', 'down')).stdout).toMatch(/^Reverted: /);
    expect((await node('migrate.js', 'list')).stdout).toMatch(/^pending /m);
    expect((await node('migrate.js', 'up')).stdout).toMatch(/^Applied: /);
    // The search index is made anew from what is stored.
    await using server = await TestServer.start({ DATABASE_URL });
    expect(
      await server.client(jane.accessToken).request('{ conversations(search: "findable") { totalCount } }'),
    ).toEqual({ conversations: { totalCount: 1 } });
    expect((await node('migrate.js', 'up')).stdout).toMatch(/^Nothing is pending/);
    await expect(node('migrate.js', 'sideways')).rejects.toMatchObject({ code: 1 });
  });
});
