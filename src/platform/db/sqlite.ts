import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Orm } from './database.js';

/** How long a statement waits for another process's lock on the file, in milliseconds. */
const BUSY_TIMEOUT = 5_000;

/** Makes the folder that the file is to lie in. */
export function prepareFolder(path: string): void {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
}

/** Sets the connection up: in WAL mode readers in other processes never wait for the writer. */
export async function tuneSqlite(orm: Orm): Promise<void> {
  const sqlite = await nativeClient(orm);
  sqlite.pragma('journal_mode = WAL');
  // Safe with WAL: a crash of the process loses nothing, a crash of the machine at most the last transactions.
  sqlite.pragma('synchronous = NORMAL');
  sqlite.pragma(`busy_timeout = ${BUSY_TIMEOUT}`);
}

/**
 * Runs migrations with SQLite's foreign keys switched off on the connection. A migration that rebuilds a table drops
 * the old one, which would cascade into its children; the pragma that it holds itself does nothing, because inside a
 * transaction SQLite ignores it.
 * @throws Error when a migration left a dangling reference behind.
 */
export async function withoutForeignKeys<T>(orm: Orm, work: () => Promise<T>): Promise<T> {
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

const nativeClient = async (orm: Orm): Promise<SqliteClient> =>
  (await orm.em.getConnection().getNativeClient()) as SqliteClient;
