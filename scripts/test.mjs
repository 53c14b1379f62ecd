/**
 * All tests on SQLite, or some: `npm test -- test/auth`. Where TEST_POSTGRES_URL and TEST_REDIS_URL name servers that
 * the tests may fill with databases and keys, they run on those, too.
 */
import { runJest } from './run-jest.mjs';

const { TEST_POSTGRES_URL, TEST_REDIS_URL } = process.env;
process.on('SIGINT', () => {});

const code = await runJest({ TEST_POSTGRES_URL: undefined, TEST_REDIS_URL: undefined });
if (code !== 0) process.exit(code);
if (TEST_POSTGRES_URL && TEST_REDIS_URL) process.exit(await runJest({}));
console.log(
  '\nLeft out: the same tests on PostgreSQL and Redis. `npm run test:scale` starts both and runs them;' +
    '\nwith TEST_POSTGRES_URL and TEST_REDIS_URL `npm test` runs them on servers of yours.',
);
