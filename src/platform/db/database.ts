import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { MikroORM, type Options } from '@mikro-orm/sqlite';
import { ormOptions, type DatabaseConfiguration } from './orm-options.js';

export type { EntityManager } from '@mikro-orm/sqlite';

/** How long a statement waits for another process's lock on the SQLite file, in milliseconds. */
const BUSY_TIMEOUT = 5_000;

/** Opens the database and brings its schema up to date. */
export async function openDatabase(database: DatabaseConfiguration, entities: Options['entities']): Promise<MikroORM> {
  const orm = await openConnection(database, entities);
  try {
    await withoutForeignKeys(orm, () => orm.migrator.up());
    return orm;
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

/** Opens the database as it is. SQLite runs in WAL mode, so that readers in other processes never wait for the writer. */
export async function openConnection(
  database: DatabaseConfiguration,
  entities: Options['entities'],
): Promise<MikroORM> {
  if (database.path !== ':memory:') mkdirSync(dirname(database.path), { recursive: true });
  const orm = await MikroORM.init(ormOptions(database, entities));
  try {
    const sqlite = await nativeClient(orm);
    sqlite.pragma('journal_mode = WAL');
    // Safe with WAL: a crash of the process loses nothing, a crash of the machine at most the last transactions.
    sqlite.pragma('synchronous = NORMAL');
    sqlite.pragma(`busy_timeout = ${BUSY_TIMEOUT}`);
    return orm;
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

/**
 * Runs migrations with SQLite's foreign keys switched off on the connection. A migration that rebuilds a table drops
 * the old one, which would cascade into its children; the pragma that it holds itself does nothing, because inside a
 * transaction SQLite ignores it.
 * @throws Error when a migration left a dangling reference behind.
 */
export async function withoutForeignKeys<T>(orm: MikroORM, work: () => Promise<T>): Promise<T> {
  const sqlite = await nativeClient(orm);
  sqlite.pragma('foreign_keys = OFF');
  try {
    const result = await work();
    const dangling = sqlite.pragma('foreign_key_check') as unknown[];
    if (dangling.length > 0) throw new Error(`The migration left ${dangling.length} dangling references behind.`);
    return result;
  } finally {
    sqlite.pragma('foreign_keys = ON');
  }
}

/** The part of better-sqlite3, which comes without types, that is used here. */
interface SqliteClient {
  pragma(source: string): unknown;
}

const nativeClient = async (orm: MikroORM): Promise<SqliteClient> =>
  (await orm.em.getConnection().getNativeClient()) as SqliteClient;
