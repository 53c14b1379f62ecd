/**
 * The tests on PostgreSQL and Redis: `npm run test:scale`, or some: `npm run test:scale -- test/auth`. Starts what
 * TEST_POSTGRES_URL and TEST_REDIS_URL do not name, on free ports of the loopback interface and in a folder that is
 * removed at the end. PostgreSQL is the one that came with `npm ci`, or the machine's; Redis is the machine's.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresProcess } from './postgres.mjs';
import { end, freePort, MissingError, serve } from './processes.mjs';
import { runJest } from './run-jest.mjs';

const folder = mkdtempSync(join(tmpdir(), 'parley-scale-'));
let postgres = null;
let redis = null;

// Ctrl-C reaches the tests too; when they have ended, so does this.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => process.exit(143));
// Whatever happens.
process.on('exit', () => {
  postgres?.[Symbol.dispose]();
  redis?.kill('SIGTERM');
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
  await Promise.all([postgres?.[Symbol.asyncDispose](), redis && end(redis, 'SIGTERM')]);
}

// Both apart from this process's group: Ctrl-C must not end them before the tests that use them.

async function startPostgres() {
  // Nothing here has to survive a crash.
  postgres = await PostgresProcess.start({ settings: ['synchronous_commit=off'], detached: true });
  return postgres.url;
}

async function startRedis() {
  const port = await freePort();
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  try {
    redis = await serve(
      'redis-server',
      args.map(String),
      { cwd: folder, detached: true },
      /Ready to accept connections/i,
    );
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new MissingError(
      'redis-server is missing: install it (on Debian: apt-get install redis-server), or set TEST_REDIS_URL.',
    );
  }
  return `redis://127.0.0.1:${port}`;
}
