/**
 * Runs the tests on SQLite, or some of them: `npm test -- test/auth`. If TEST_POSTGRES_URL and TEST_REDIS_URL are set, it
 * runs them on these servers too, on which they create databases and keys.
 */
import { runJest } from './run-jest.mjs';

const { TEST_POSTGRES_URL, TEST_REDIS_URL } = process.env;
process.on('SIGINT', () => {});

const code = await runJest({ TEST_POSTGRES_URL: undefined, TEST_REDIS_URL: undefined });
if (code !== 0) process.exit(code);
if (TEST_POSTGRES_URL && TEST_REDIS_URL) process.exit(await runJest({}));
console.log(
  '\nThe tests ran on SQLite only. To run them on PostgreSQL and Redis, use `npm run test:scale`, which starts both,' +
    '\nor set TEST_POSTGRES_URL and TEST_REDIS_URL to your own servers.',
);
