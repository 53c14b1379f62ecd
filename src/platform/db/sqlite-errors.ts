import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseError } from './database-error.js';

type DriverError = Error & { code?: string };

/** Runs `work`, which opens or writes the file. @throws DatabaseError if the file cannot be used */
export async function withSqliteErrors<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDatabaseError(error as DriverError, resolve(path)) ?? error;
  }
}

/** SQLite appends details to some codes, such as SQLITE_READONLY_DIRECTORY. */
function toDatabaseError({ code = '' }: DriverError, path: string): DatabaseError | null {
  const [, kind = code] = /^SQLITE_([A-Z]+)/.exec(code) ?? [];
  switch (kind) {
    case 'NOTADB':
      return new DatabaseError(`${path} is not an SQLite database: move it away, or correct DATABASE_URL.`);
    case 'CORRUPT':
      return new DatabaseError(`The database ${path} is damaged: restore a backup.`);
    case 'FULL':
    case 'ENOSPC':
      return new DatabaseError(`Cannot write the database ${path}: the disk is full. Free some space.`);
    case 'IOERR':
      return new DatabaseError(`Cannot write the database ${path} (${code}): check the disk and its free space.`);
    case 'BUSY':
    case 'LOCKED':
      return new DatabaseError(`Another process has locked the database ${path}: end that process.`);
    case 'READONLY':
    case 'EROFS':
      return new DatabaseError(`Cannot write the database ${path}: make the file and its folder writable.`);
    case 'CANTOPEN':
      return isDirectory(path)
        ? new DatabaseError(`${path} is a folder: set DATABASE_URL to a file, such as sqlite:${path}/parley.db.`)
        : new DatabaseError(`Cannot open the database ${path}: check the permissions of the file and its folder.`);
    case 'EACCES':
    case 'EPERM':
    case 'EEXIST':
    case 'ENOENT':
    case 'ENOTDIR':
      return new DatabaseError(
        `Cannot create the folder ${dirname(path)} (${code}): create it, or correct DATABASE_URL.`,
      );
    default:
      return null;
  }
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
