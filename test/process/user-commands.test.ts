import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoginDocument, MeDocument, RefreshTokensDocument } from '../../client/src/generated/graphql.js';
import { runCommand } from '../kit/command.js';
import { PASSWORD, TestServer } from '../kit/server.js';

describe('the account commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const DATABASE_URL = `sqlite:${join(folder, 'parley.db')}`;
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ DATABASE_URL });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const user = (...args: string[]) => runCommand('user.js', args, { DATABASE_URL });
  const login = (email: string, password: string) =>
    server.anyone.request(LoginDocument, { input: { email, password } }).then(({ login }) => login);

  test('create adds an admin who can sign in with the printed password', async () => {
    const { stdout, stderr } = await user('create', 'Boss@example.com', '--admin', '--name', 'The Boss');
    expect(stderr).toContain(`Database: SQLite, ${join(folder, 'parley.db')}`);
    const password = /^Password: (\S+)$/m.exec(stdout)![1]!;
    const { user: boss } = await login('boss@example.com', password);
    expect(boss).toMatchObject({ email: 'Boss@example.com', name: 'The Boss', role: 'ADMIN' });
  });

  test('create reads the password from standard input and rejects a common one', async () => {
    const taken = runCommand('user.js', ['create', 'pipe@example.com', '--password-stdin'], { DATABASE_URL }, PASSWORD);
    expect((await taken).stdout).not.toContain('Password');
    await expect(login('pipe@example.com', PASSWORD)).resolves.toBeDefined();
    await expect(
      runCommand('user.js', ['create', 'weak@example.com', '--password-stdin'], { DATABASE_URL }, 'password1'),
    ).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^password: /m) });
  });

  test('events lists what happened to an account', async () => {
    await server.user({ email: 'eve@example.com' });
    await expect(login('eve@example.com', 'wrong password')).rejects.toThrow();
    const { stdout } = await user('events', 'EVE@example.com');
    expect(stdout).toMatch(/SIGN_IN_FAILED +127\.0\.0\.0\/24 .*\n.* REGISTERED .*\n2 events/);
    await expect(user('events', 'unknown@example.com')).rejects.toMatchObject({ code: 1 });
  });

  test('export prints everything that is stored about an account', async () => {
    const { id } = await server.user({ email: 'max@example.com' });
    const { stdout } = await user('export', 'max@example.com');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ kind: 'user', id, email: 'max@example.com' });
    expect(lines.at(-1)).toMatchObject({ kind: 'end' });
    await expect(user('export', 'unknown@example.com')).rejects.toMatchObject({ code: 1 });
  });

  test('create rejects an email that is registered or malformed', async () => {
    await expect(user('create', 'BOSS@example.com')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('already exists'),
    });
    await expect(user('create', 'no address')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^email: /m),
    });
  });

  test('grant and revoke change the role of a signed-in user at once', async () => {
    const jane = await server.user({ email: 'jane@example.com' });
    await user('grant', 'JANE@example.com');
    expect((await jane.request(MeDocument)).me.role).toBe('ADMIN');
    await user('revoke', 'jane@example.com');
    expect((await jane.request(MeDocument)).me.role).toBe('USER');
  });

  test('in production a command writes a security event to standard error', async () => {
    const john = await server.user({ email: 'john@example.com' });
    const { stderr } = await runCommand('user.js', ['grant', 'john@example.com'], {
      DATABASE_URL,
      NODE_ENV: 'production',
    });
    const line: unknown = JSON.parse(stderr.split('\n').find((text) => text.startsWith('{'))!);
    expect(line).toMatchObject({ event: 'security', type: 'role_changed', userId: john.id, role: 'ADMIN' });
  });

  test('disable ends the sessions and rejects the correct password until enable', async () => {
    const { accessToken, refreshToken } = await register('joe@example.com');
    await user('disable', 'joe@example.com');
    await expect(server.client(accessToken).request(MeDocument)).rejects.toThrow(/UNAUTHENTICATED/);
    await expect(server.anyone.request(RefreshTokensDocument, { input: { refreshToken } })).rejects.toThrow(
      /UNAUTHENTICATED/,
    );
    await expect(login('joe@example.com', PASSWORD)).rejects.toThrow(/FORBIDDEN/);
    await expect(login('joe@example.com', 'not the password')).rejects.toThrow(/UNAUTHENTICATED/);
    await user('enable', 'joe@example.com');
    await expect(login('joe@example.com', PASSWORD)).resolves.toBeDefined();
  });

  test('reset-password ends the sessions and replaces the password', async () => {
    const { accessToken } = await register('mia@example.com');
    const { stdout } = await user('reset-password', 'mia@example.com');
    await expect(server.client(accessToken).request(MeDocument)).rejects.toThrow(/UNAUTHENTICATED/);
    await expect(login('mia@example.com', PASSWORD)).rejects.toThrow(/UNAUTHENTICATED/);
    await expect(login('mia@example.com', /^Password: (\S+)$/m.exec(stdout)![1]!)).resolves.toBeDefined();
  });

  test('list shows each account with its role and state', async () => {
    await register('zoe@example.com');
    await user('disable', 'zoe@example.com');
    const { stdout } = await user('list');
    expect(stdout).toMatch(/^\S+ +ADMIN +active +Boss@example\.com$/m);
    expect(stdout).toMatch(/^\S+ +USER +disabled +zoe@example\.com$/m);
    expect(stdout).toMatch(new RegExp(`^${stdout.trim().split('\n').length - 1} accounts\\.$`, 'm'));
  });

  test('an unknown account, a missing argument and an unknown option are reported', async () => {
    for (const action of ['grant', 'revoke', 'disable', 'enable', 'reset-password'])
      await expect(user(action, 'nobody@example.com')).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Account not found: nobody@example.com'),
      });
    await expect(user('grant')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('Usage: ') });
    await expect(user('sideways')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('Usage: ') });
    await expect(user('list', '--everything')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--everything'),
    });
  });

  test('no command creates a database', async () => {
    const missing = join(folder, 'elsewhere', 'parley.db');
    for (const [script, ...args] of [
      ['user.js', 'list'],
      ['user.js', 'create', 'a@example.com'],
      ['backup.js', join(folder, 'out.db')],
    ] as const)
      await expect(runCommand(script, args, { DATABASE_URL: `sqlite:${missing}` })).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`${missing} does not exist`),
      });
    expect(await readdir(folder)).not.toContain('elsewhere');
  });

  async function register(email: string) {
    await server.user({ email });
    return await login(email, PASSWORD);
  }
});
