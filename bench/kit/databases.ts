import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import pg from 'pg';
import { entities } from '../../src/entities.js';
import { packageRoot } from '../../src/platform/config/package-root.js';
import { openDatabase } from '../../src/platform/db/database.js';
import type * as postgresScript from '../../scripts/postgres.mjs';
import type { Orm } from '../../src/platform/db/orm.js';

/** A database of one measured server. */
export interface MeasuredDatabase {
  url: string;
  query<Row extends object>(sql: string, parameter?: string): Promise<Row[]>;
}

/** A filled database, and its copies. */
export interface SeededDatabases<Seeded> extends Disposable {
  seeded: Seeded;
  copy: (name: string) => Promise<MeasuredDatabase>;
}

type Seed<Seeded> = (orm: Orm) => Promise<Seeded>;

/** Creates a SQLite file with the tables of Parley and fills it. */
export async function seedSqlite<Seeded>(folder: string, seed: Seed<Seeded>): Promise<SeededDatabases<Seeded>> {
  const template = join(folder, 'template.db');
  const orm = await openDatabase({ dialect: 'sqlite', path: template }, entities);
  const seeded = await seed(orm);
  await orm.em.fork().execute('pragma wal_checkpoint(truncate)');
  await orm.close(true);
  return {
    seeded,
    async copy(name) {
      mkdirSync(join(folder, name), { recursive: true });
      const path = join(folder, name, 'bench.db');
      copyFileSync(template, path);
      return {
        url: `sqlite:${path}`,
        async query<Row>(sql: string, parameter?: string) {
          const db = new Database(path, { readonly: true });
          const rows = db.prepare(sql).all(...(parameter === undefined ? [] : [parameter]));
          db.close();
          return rows as Row[];
        },
      };
    },
    [Symbol.dispose]() {},
  };
}

/** As an operator would run it: the settings of scripts/postgres.mjs are those of the tests. */
const SETTINGS = ['fsync=on', 'full_page_writes=on'];

/** Starts PostgreSQL, creates a database with the tables of Parley and fills it. */
export async function seedPostgresql<Seeded>(seed: Seed<Seeded>): Promise<SeededDatabases<Seeded>> {
  const { PostgresProcess } = (await importScript('postgres')) as typeof postgresScript;
  const postgres = await PostgresProcess.start({ settings: SETTINGS });
  process.once('exit', () => postgres[Symbol.dispose]());
  const getUrl = (name: string) => postgres.url.replace(/postgres$/, name);
  const run = async (url: string, sql: string, values: string[] = []) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(sql, values);
    await client.end();
    return rows as unknown[];
  };
  await run(postgres.url, 'create database template');
  const orm = await openDatabase({ dialect: 'postgresql', url: getUrl('template'), poolSize: 2 }, entities);
  const seeded = await seed(orm);
  await orm.close(true);
  await run(getUrl('template'), 'vacuum analyze');
  return {
    seeded,
    async copy(name) {
      await run(postgres.url, `create database ${name} template template`);
      const url = getUrl(name);
      return {
        url,
        query: async <Row>(sql: string, parameter?: string) =>
          (await run(url, sql.replace('?', '$1'), parameter === undefined ? [] : [parameter])) as Row[],
      };
    },
    [Symbol.dispose]: () => postgres[Symbol.dispose](),
  };
}

/** Imports a file of scripts/, which is not compiled. */
export const importScript = (name: string): Promise<unknown> =>
  import(pathToFileURL(join(packageRoot, `scripts/${name}.mjs`)).href);
