import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MikroORM } from '@mikro-orm/core';
import { SqliteDriver } from '@mikro-orm/sqlite';
import { DatabaseError } from './database-error.js';
import { withSqliteErrors } from './sqlite-errors.js';
import { createFolder, getSqliteClient } from './sqlite.js';

/**
 * Locks a database file for one server. The lock is a transaction on an empty SQLite file beside the database, because
 * Node.js cannot lock files: the operating system releases it when the process ends, also after SIGKILL, and other
 * processes can still open the database itself (decision 0020).
 * @throws DatabaseError if another server holds the lock
 */
export async function lockSqliteFile(path: string): Promise<AsyncDisposable> {
  return await withSqliteErrors(path, async () => {
    createFolder(path);
    const dbName = `${resolveLinks(path)}.lock`;
    const orm = await MikroORM.init({
      driver: SqliteDriver,
      dbName,
      // Fail immediately while another process holds the lock.
      driverOptions: { timeout: 0 },
      discovery: { warnWhenNoEntities: false },
    });
    try {
      (await getSqliteClient(orm)).exec('begin exclusive');
    } catch (error) {
      await orm.close(true);
      if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
      throw new DatabaseError(
        `Another server uses the database ${resolve(path)}: stop it, or set DATABASE_URL to another file.`,
      );
    }
    return { [Symbol.asyncDispose]: () => orm.close(true) };
  });
}

/** Two links to one database must have one lock. */
const resolveLinks = (path: string): string =>
  existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(resolve(path))), basename(path));
