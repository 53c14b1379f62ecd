import { execFileSync } from 'node:child_process';
import pg from 'pg';

/** Before the tests: some start the compiled server as a process, or open its playground. */
export default async function prepare() {
  execFileSync(process.execPath, ['scripts/build.mjs', '--if-needed'], { stdio: 'inherit' });
  if (process.env.TEST_POSTGRES_URL) await makeTemplate(`parley_test_${process.pid}`);
}

/** What each test's database is a copy of (see postgres.ts): one with all tables. */
async function makeTemplate(name) {
  process.env.TEST_POSTGRES_TEMPLATE = name;
  await administer(
    `drop database if exists ${name} with (force)`,
    `create database ${name} template template0 encoding 'UTF8'`,
  );
  const url = new URL(process.env.TEST_POSTGRES_URL);
  url.pathname = `/${name}`;
  execFileSync(process.execPath, ['dist/src/migrate.js', 'up'], { env: { ...process.env, DATABASE_URL: url.href } });
}

export async function administer(...statements) {
  const client = new pg.Client({ connectionString: process.env.TEST_POSTGRES_URL });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
