import { existsSync, statSync } from 'node:fs';
import { OVERDUE_MESSAGES } from '../../conversations/conversation.entity.js';
import { entities } from '../../entities.js';
import type { DatabaseConfiguration } from '../../platform/config/configuration.js';
import { countOverdueConversations } from '../../memory/overdue-memory.js';
import { DatabaseError } from '../../platform/db/database-error.js';
import { openConnection } from '../../platform/db/database.js';
import { describeDatabase } from '../../platform/db/describe-database.js';
import type { Orm } from '../../platform/db/orm.js';
import { assertWritable } from '../../platform/db/postgresql.js';
import { withSqliteErrors } from '../../platform/db/sqlite-errors.js';
import { getSqliteClient, tryWriteToSqlite } from '../../platform/db/sqlite.js';
import type { Finding } from '../finding.js';

const SUBJECT = 'Database';

/** Checking a larger file takes too long. */
const MAX_CHECKED_BYTES = 1e9;

/**
 * Checks that the database can be read and written. Creates no file and migrates nothing, but MikroORM creates the table
 * that lists the migrations.
 */
export async function checkDatabase(database: DatabaseConfiguration): Promise<Finding[]> {
  const name = describeDatabase(database);
  if (database.dialect === 'sqlite' && !existsSync(database.path))
    return [{ subject: SUBJECT, state: 'ok', text: `${name}: created at the first start` }];
  try {
    await using orm = await openConnection(database, entities);
    const startedAt = performance.now();
    await orm.em.fork().execute('select 1');
    const ms = (performance.now() - startedAt).toFixed(1);
    const pending = (await orm.migrator.getPending()).length;
    if (database.dialect === 'sqlite') await withSqliteErrors(database.path, () => checkFile(orm, database.path));
    else if (pending === 0) await assertWritable(orm);
    const migrations: Finding =
      pending === 0
        ? { subject: 'Migrations', state: 'ok', text: 'all are applied' }
        : { subject: 'Migrations', state: 'warning', text: `${pending} pending: applied when the server starts` };
    const found: Finding[] = [
      { subject: SUBJECT, state: 'ok', text: `${name}: readable and writable, ${ms} ms` },
      migrations,
    ];
    return pending === 0 ? [...found, await checkMemory(orm)] : found;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return [{ subject: SUBJECT, state: 'failed', text: error.message }];
  }
}

async function checkMemory(orm: Orm): Promise<Finding> {
  const count = await countOverdueConversations(orm.em.fork());
  const subject = 'Memory';
  if (count === 0) return { subject, state: 'ok', text: 'up to date in the conversations of the last day' };
  return {
    subject,
    state: 'warning',
    text: `${count} of the conversations of the last day lack ${OVERDUE_MESSAGES} messages or more in their metadata: look for "Could not update the metadata" in the log`,
  };
}

/** @throws Error if the file cannot be written, or is damaged */
async function checkFile(orm: Orm, path: string): Promise<void> {
  await tryWriteToSqlite(orm);
  if (statSync(path).size > MAX_CHECKED_BYTES) return;
  const [row] = (await getSqliteClient(orm)).pragma('quick_check(1)') as { quick_check: string }[];
  if (row?.quick_check !== 'ok')
    throw new DatabaseError(`${path} is damaged (${row?.quick_check}): restore a backup with \`npm run restore\`.`);
}
