import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Orm } from './orm.js';
import { toSearchWords } from './search-words.js';

/** How long SQLite blocks the event loop while another process has locked the file. sqlite-dialect.ts then tries again. */
const BUSY_TIMEOUT_MS = 20;

/** Creates the folder of the database file, for the owner only. */
export function createFolder(path: string): void {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
}

/** Creates the database file, or restricts an existing one, so that only the owner may read it and its log. */
export function restrictAccess(path: string): void {
  if (path === ':memory:') return;
  try {
    // SQLite gives the files beside the database the same mode.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    for (const file of [path, `${path}-wal`, `${path}-shm`])
      if (statSync(file, { throwIfNoEntry: false })?.isFile()) chmodSync(file, 0o600);
  } catch {
    // If the file cannot be used, SQLite says why. If it belongs to another user, that user decides.
  }
}

/** Configures the connection. In WAL mode, readers in other processes do not wait for the writer. */
export async function configureSqlite(orm: Orm): Promise<void> {
  const sqlite = await getSqliteClient(orm);
  // better-sqlite3 waits 5 seconds by default: while the server starts, there is nothing to block.
  sqlite.pragma('journal_mode = WAL');
  // With WAL, a crash of the process loses nothing, and a power failure at most the last transactions.
  sqlite.pragma('synchronous = NORMAL');
  // Overwrites what is deleted. See also sqlite-purge.ts.
  sqlite.pragma('secure_delete = ON');
  sqlite.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  // For the triggers that maintain the search index.
  sqlite.function('search_words', { deterministic: true }, (text) => toSearchWords(text as string).join(' '));
}

/** Writes to the database without changing it. @throws Error if the database is read-only or its disk is full */
export async function tryWriteToSqlite(orm: Orm): Promise<void> {
  const em = orm.em.fork();
  const [row] = await em.execute<{ user_version: number }[]>('select user_version from pragma_user_version');
  await em.execute(`pragma user_version = ${row!.user_version}`);
}

/**
 * Runs `work`, which migrates, with foreign keys disabled on the connection. A migration that rebuilds a table drops the
 * old one, which would delete the rows that reference it. The pragma inside the migration has no effect, because SQLite
 * ignores it within a transaction. The new table is then renamed, which fails while a view or a trigger of another table
 * references the missing one, except with `legacy_alter_table`.
 * @throws Error if a migration leaves dangling references
 */
export async function withoutForeignKeys<T>(orm: Orm, work: () => Promise<T>): Promise<T> {
  const sqlite = await getSqliteClient(orm);
  sqlite.pragma('foreign_keys = OFF');
  sqlite.pragma('legacy_alter_table = ON');
  try {
    const result = await work();
    const dangling = sqlite.pragma('foreign_key_check') as unknown[];
    if (dangling.length > 0) throw new Error(`The migration left ${dangling.length} dangling references.`);
    return result;
  } finally {
    sqlite.pragma('legacy_alter_table = OFF');
    sqlite.pragma('foreign_keys = ON');
  }
}

/** The part of better-sqlite3 that is used here. The package has no types of its own. */
export interface SqliteClient {
  pragma(source: string): unknown;
  exec(source: string): void;
  /** Defines a function of SQL. */
  function(name: string, options: { deterministic: boolean }, implementation: (argument: unknown) => unknown): void;
  prepare(source: string): { run(...parameters: unknown[]): unknown };
  backup(
    file: string,
    options: { progress: (state: { totalPages: number; remainingPages: number }) => number },
  ): Promise<unknown>;
}

export const getSqliteClient = async (orm: Orm): Promise<SqliteClient> =>
  (await orm.em.getConnection().getNativeClient()) as SqliteClient;
