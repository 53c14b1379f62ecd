import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import pg from 'pg';
import { ensureBuild } from '../../scripts/building.mjs';

/** Runs before the tests. Builds the server, because some tests start it as a process or open its playground. */
export default async function prepare() {
  process.env.TEST_BUILD = await ensureBuild({ whole: true });
  if (process.env.TEST_POSTGRES_URL) await createTemplate(`parley_test_${process.pid}`);
}

/** Creates a database with all tables. The database of each test is a copy of it (see postgres.ts). */
async function createTemplate(name) {
  process.env.TEST_POSTGRES_TEMPLATE = name;
  await executeAsAdmin(
    `drop database if exists ${name} with (force)`,
    `create database ${name} template template0 encoding 'UTF8'`,
  );
  const url = new URL(process.env.TEST_POSTGRES_URL);
  url.pathname = `/${name}`;
  execFileSync(process.execPath, [join(process.env.TEST_BUILD, 'src/commands/migrate.js'), 'up'], {
    env: { ...process.env, DATABASE_URL: url.href },
  });
}

export async function executeAsAdmin(...statements) {
  const client = new pg.Client({ connectionString: process.env.TEST_POSTGRES_URL });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
