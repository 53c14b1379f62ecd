import { randomUUID } from 'node:crypto';
import { Client } from 'pg';

/** A PostgreSQL server that the tests may make databases on; without one they run on SQLite. */
export const POSTGRES_URL = process.env['TEST_POSTGRES_URL'];

/** Suites that are about PostgreSQL: left out, and counted as skipped, where there is none. */
export const describePostgres = POSTGRES_URL ? describe : describe.skip;

/** Suites that are about SQLite: run once, where nothing else is asked for. */
export const describeSqlite = POSTGRES_URL ? describe.skip : describe;

/** A database of a test's own, which is dropped at the end. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
  execute<T extends object>(sql: string, values?: unknown[]): Promise<T[]>;
}

/** What tests' databases are copies of, and what their names begin with: see global-setup.mjs. */
const TEMPLATE = process.env['TEST_POSTGRES_TEMPLATE']!;

/** @param template what it is a copy of: one with all tables, unless given */
export async function createDatabase(template = TEMPLATE, options = ''): Promise<TestDatabase> {
  const name = `${TEMPLATE}_${randomUUID().slice(0, 8)}`;
  await administer(`create database "${name}" template "${template}" ${options}`);
  const url = urlOf(name);
  return {
    url,
    execute: (sql, values) => execute(url, sql, values),
    [Symbol.asyncDispose]: () => dropDatabase(name),
  };
}

const urlOf = (name: string): string => {
  const url = new URL(POSTGRES_URL!);
  url.pathname = `/${name}`;
  return url.href;
};

const administer = (sql: string) => execute(POSTGRES_URL!, sql);

async function dropDatabase(name: string): Promise<void> {
  await administer(`drop database if exists "${name}" with (force)`);
}

async function execute<T extends object>(url: string, sql: string, values?: unknown[]): Promise<T[]> {
  const client = new Client({ connectionString: url });
  // The database may be dropped, or the server stopped, by the test.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
