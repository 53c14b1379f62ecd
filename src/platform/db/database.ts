import { MikroORM } from '@mikro-orm/core';
import type { DatabaseConfiguration } from '../config/configuration.js';
import type { Tracing } from '../telemetry/tracing.js';
import { createOrmOptions } from './orm-options.js';
import type { Entities, Orm } from './orm.js';
import { assertUsable, assertWritable, getPasswords, withMigrationLock, withPostgresqlErrors } from './postgresql.js';
import { createFolder, configureSqlite, restrictAccess, tryWriteToSqlite, withoutForeignKeys } from './sqlite.js';
import { withSqliteErrors } from './sqlite-errors.js';

/**
 * Opens the database, applies pending migrations and checks that it can be written.
 * @throws DatabaseError that says what to do
 */
export async function openDatabase(
  database: DatabaseConfiguration,
  entities: Entities,
  tracing: Tracing | null = null,
): Promise<Orm> {
  if (database.dialect === 'postgresql') {
    await withPostgresqlErrors(database.url, () => withMigrator(database, entities, (migrator) => migrator.up()));
    return await openAnd(assertWritable, database, entities, tracing);
  }
  // Migrate on the connection that is returned: an in-memory database exists only on that one.
  const migrate = async (orm: Orm): Promise<void> => {
    await tryWriteToSqlite(orm);
    await withoutForeignKeys(orm, () => orm.migrator.up());
  };
  return await openAnd((orm) => withSqliteErrors(database.path, () => migrate(orm)), database, entities, tracing);
}

/** Opens the database and calls `prepare` with it; closes it if that fails. */
async function openAnd(
  prepare: (orm: Orm) => Promise<void>,
  database: DatabaseConfiguration,
  entities: Entities,
  tracing: Tracing | null,
): Promise<Orm> {
  const orm = await openConnection(database, entities, tracing);
  try {
    await prepare(orm);
    return orm;
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

/**
 * Opens the database without migrating it.
 * @throws DatabaseError that says what to do
 */
export async function openConnection(
  database: DatabaseConfiguration,
  entities: Entities,
  tracing: Tracing | null = null,
): Promise<Orm> {
  if (database.dialect === 'sqlite') {
    const { path } = database;
    await withSqliteErrors(path, () => (createFolder(path), restrictAccess(path)));
  }
  const orm: Orm = await MikroORM.init(createOrmOptions(database, entities, tracing));
  try {
    if (database.dialect === 'sqlite') await withSqliteErrors(database.path, () => configureSqlite(orm));
    else await assertUsable(orm, database);
    return orm;
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

/**
 * Opens one more connection, for work that must not wait while requests use all others. SQLite has only one connection.
 */
export async function openReservedConnection(
  orm: Orm,
  database: DatabaseConfiguration,
  entities: Entities,
): Promise<Orm> {
  return database.dialect === 'postgresql' ? await openConnection({ ...database, poolSize: 1 }, entities) : orm;
}

/** Runs `work` on connections of its own. No other instance migrates at the same time. */
export async function withMigrator<T>(
  database: DatabaseConfiguration,
  entities: Entities,
  work: (migrator: Orm['migrator']) => Promise<T>,
): Promise<T> {
  // One connection holds the lock, the other one migrates.
  const configuration = database.dialect === 'postgresql' ? { ...database, poolSize: 2, timeouts: false } : database;
  await using orm = await openConnection(configuration, entities);
  const guard = database.dialect === 'postgresql' ? withMigrationLock : withoutForeignKeys;
  return await guard(orm, () => work(orm.migrator));
}

/** Returns the parts of the configuration that must not appear in the log. */
export const getDatabaseSecrets = (database: DatabaseConfiguration): string[] =>
  database.dialect === 'postgresql' ? getPasswords(database) : [];
