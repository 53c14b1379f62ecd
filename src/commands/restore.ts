import 'reflect-metadata';
import { existsSync, globSync } from 'node:fs';
import { chmod, copyFile, rename } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { entities } from '../entities.js';
import { openConnection } from '../platform/db/database.js';
import type { Orm } from '../platform/db/orm.js';
import { createFolder } from '../platform/db/sqlite.js';
import { assertIntact, mergeWriteAheadLog, removeSqliteFiles } from '../platform/db/sqlite-backup.js';
import { CommandError, runCommand } from './command.js';
import { readDatabaseConfiguration } from './configured-database.js';

/** @throws CommandError unless the copy is an intact database of Parley that this version supports */
async function assertBackup(copy: string, file: string): Promise<void> {
  try {
    await using orm = await openConnection({ dialect: 'sqlite', path: copy }, entities);
    await assertIntact(orm);
    const executed = await orm.migrator.getExecuted();
    if (executed.length === 0) throw new CommandError(`${file} is not a database of Parley.`);
    const known = new Set(findMigrations(orm));
    const unknown = executed.find(({ name }) => !known.has(parse(name).name));
    if (unknown)
      throw new CommandError(`${file} was made by a newer version of Parley (${unknown.name}): install that version.`);
    await mergeWriteAheadLog(orm);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${file} is not an intact SQLite database: ${(error as Error).message}`);
  }
}

/** Returns the names of the migrations of this version. */
const findMigrations = (orm: Orm): string[] =>
  globSync(join(orm.config.get('migrations').path!, 'Migration*.{js,ts}')).map((path) => parse(path).name);

/** @throws CommandError if another process has the database open */
async function closeDatabase(path: string): Promise<void> {
  try {
    await using orm = await openConnection({ dialect: 'sqlite', path }, entities);
    await mergeWriteAheadLog(orm);
  } catch (error) {
    throw new CommandError(`${path} is in use: stop the server first. (${(error as Error).message})`);
  }
}

/**
 * Replaces the SQLite database with a backup: `npm run restore -- FILE`. The server must be stopped. The previous database
 * is kept in the same folder.
 */
await runCommand(async ([file, ...rest]) => {
  if (!file || rest.length > 0) throw new CommandError('Usage: npm run restore -- FILE');
  const database = readDatabaseConfiguration();
  if (database.dialect === 'postgresql')
    throw new CommandError('Restore PostgreSQL with pg_restore: see "Backups" in docs/deploy.md.');
  if (database.path === ':memory:')
    throw new CommandError('An in-memory database cannot be restored: set DATABASE_URL.');
  if (!existsSync(file)) throw new CommandError(`${file} does not exist.`);

  const { path } = database;
  const partial = `${path}.partial`;
  createFolder(path);
  try {
    await copyFile(file, partial);
    await chmod(partial, 0o600);
    await assertBackup(partial, file);
    const kept = existsSync(path) ? `${path}.before-restore-${new Date().toISOString().replaceAll(':', '-')}` : null;
    if (kept) {
      await closeDatabase(path);
      await rename(path, kept);
    }
    await rename(partial, path);
    console.log(`Restored ${file}.${kept ? ` The previous database is now ${kept}.` : ''}`);
    console.log('Start the server: it applies the pending migrations.');
  } finally {
    await removeSqliteFiles(partial);
  }
});
