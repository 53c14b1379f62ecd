/**
 * Runs the tests on PostgreSQL and Redis: `npm run test:scale`, or some of them: `npm run test:scale -- test/auth`. Starts
 * each server unless TEST_POSTGRES_URL or TEST_REDIS_URL is set, on a free port of the loopback interface and with a
 * folder that is removed at the end. PostgreSQL comes from `npm ci` or the system, Redis from the system.
 */
import { PostgresProcess } from './postgres.mjs';
import { MissingError } from './processes.mjs';
import { RedisServer } from './redis.mjs';
import { runJest } from './run-jest.mjs';

let postgres = null;
let redis = null;

// On Ctrl-C, wait until the tests have ended; the terminal sends SIGINT to them too.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => process.exit(143));
// Also after an error.
process.on('exit', () => {
  postgres?.[Symbol.dispose]();
  redis?.[Symbol.dispose]();
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
  await Promise.all([postgres?.[Symbol.asyncDispose](), redis?.[Symbol.asyncDispose]()]);
}

// Both servers have their own process group, because Ctrl-C must not end them before the tests.

async function startPostgres() {
  postgres = await PostgresProcess.start({ settings: ['synchronous_commit=off'], detached: true });
  return postgres.url;
}

async function startRedis() {
  redis = await RedisServer.start({ detached: true });
  return redis.url;
}
