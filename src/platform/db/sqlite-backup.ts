import { rm } from 'node:fs/promises';
import type { Orm } from './orm.js';
import { getSqliteClient } from './sqlite.js';

/** About a megabyte. */
const PAGES_PER_STEP = 256;

/**
 * Copies the database to a file with SQLite's online backup, and checks the copy. An open read transaction keeps one
 * snapshot, so that writes of other processes neither appear in the copy nor restart it.
 * @param onProgress called with the copied fraction, 0 to 1
 * @throws Error if the copy is damaged
 */
export async function backUpSqlite(orm: Orm, file: string, onProgress: (done: number) => void): Promise<void> {
  const sqlite = await getSqliteClient(orm);
  sqlite.exec('begin; select count(*) from sqlite_schema');
  try {
    await sqlite.backup(file, {
      progress({ totalPages, remainingPages }) {
        onProgress(totalPages === 0 ? 0 : 1 - remainingPages / totalPages);
        return PAGES_PER_STEP;
      },
    });
  } finally {
    sqlite.exec('rollback');
  }
  sqlite.prepare('attach database ? as copy').run(file);
  assertOk(sqlite.pragma('copy.integrity_check'));
  sqlite.exec('detach database copy');
}

/** @throws Error if the database is damaged */
export async function assertIntact(orm: Orm): Promise<void> {
  assertOk((await getSqliteClient(orm)).pragma('integrity_check'));
}

/**
 * Merges the write-ahead log into the database file and removes it, so that the file contains all data.
 * @throws Error if another connection has the database open
 */
export async function mergeWriteAheadLog(orm: Orm): Promise<void> {
  (await getSqliteClient(orm)).pragma('journal_mode = DELETE');
}

/** Removes a database file, if it exists, and the files that SQLite keeps beside it. */
export async function removeSqliteFiles(path: string): Promise<void> {
  for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(path + suffix, { force: true });
}

/** `integrity_check` returns a single row "ok", or a row per problem. */
function assertOk(rows: unknown): void {
  const [first] = rows as { integrity_check: string }[];
  if (first?.integrity_check !== 'ok') throw new Error(`The integrity check failed: ${first?.integrity_check}`);
}
