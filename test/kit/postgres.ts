import { randomUUID } from 'node:crypto';
import { Client } from 'pg';

/** A PostgreSQL server on which the tests may create databases. If unset, they run on SQLite. */
export const POSTGRES_URL = process.env['TEST_POSTGRES_URL'];

/** For suites that require PostgreSQL. Skipped if none is available. */
export const describePostgres = POSTGRES_URL ? describe : describe.skip;

/** For suites that require SQLite. Skipped when the tests run on PostgreSQL. */
export const describeSqlite = POSTGRES_URL ? describe.skip : describe;

/** A database for one test, which is dropped at the end. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
  execute<T extends object>(sql: string, values?: unknown[]): Promise<T[]>;
}

/** The template of the test databases, and the prefix of their names. See global-setup.mjs. */
const TEMPLATE = process.env['TEST_POSTGRES_TEMPLATE']!;

/** @param template the database to copy. Default: one with all tables */
export async function createDatabase(template = TEMPLATE, options = ''): Promise<TestDatabase> {
  const name = `${TEMPLATE}_${randomUUID().slice(0, 8)}`;
  await executeAsAdmin(`create database "${name}" template "${template}" ${options}`);
  const url = getUrl(name);
  return {
    url,
    execute: (sql, values) => execute(url, sql, values),
    [Symbol.asyncDispose]: () => dropDatabase(name),
  };
}

const getUrl = (name: string): string => {
  const url = new URL(POSTGRES_URL!);
  url.pathname = `/${name}`;
  return url.href;
};

const executeAsAdmin = (sql: string) => execute(POSTGRES_URL!, sql);

async function dropDatabase(name: string): Promise<void> {
  await executeAsAdmin(`drop database if exists "${name}" with (force)`);
}

async function execute<T extends object>(url: string, sql: string, values?: unknown[]): Promise<T[]> {
  const client = new Client({ connectionString: url });
  // A test may drop the database or stop the server.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
