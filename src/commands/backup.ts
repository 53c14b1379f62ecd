import 'reflect-metadata';
import { chmod, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { entities } from '../entities.js';
import { openConnection } from '../platform/db/database.js';
import { backUpSqlite, removeSqliteFiles } from '../platform/db/sqlite-backup.js';
import { CommandError, runCommand } from './command.js';
import { assertExists, readDatabaseConfiguration } from './configured-database.js';

function showProgress(done: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${Math.floor(done * 100)} %`);
}

/** Flushes to disk, so that a power failure cannot undo the backup. */
async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

/** Copies the SQLite database into a file while the server runs: `npm run backup -- FILE`. */
await runCommand(async ([file, ...rest]) => {
  if (!file || rest.length > 0) throw new CommandError('Usage: npm run backup -- FILE');
  const database = readDatabaseConfiguration();
  if (database.dialect === 'postgresql')
    throw new CommandError('Back up PostgreSQL with pg_dump: see "Backups" in docs/deploy.md.');
  assertExists(database);

  const partial = `${file}.partial`;
  try {
    await using orm = await openConnection(database, entities);
    await backUpSqlite(orm, partial, showProgress);
    await chmod(partial, 0o600);
    await sync(partial);
    await rename(partial, file);
    await sync(dirname(file));
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    await removeSqliteFiles(partial);
  }
  const { size } = await stat(file);
  console.log(`Backed up to ${file} (${(size / 1_048_576).toFixed(1)} MiB, integrity checked).`);
});
