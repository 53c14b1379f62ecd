import { MikroORM } from '@mikro-orm/core';
import type { AbstractSqlDriver, SqlEntityManager } from '@mikro-orm/sql';
import { ormOptions, type DatabaseConfiguration, type Entities } from './orm-options.js';
import { assertUsable, onlyHere, passwordOf } from './postgresql.js';
import { prepareFolder, tuneSqlite, withoutForeignKeys } from './sqlite.js';

export type Orm = MikroORM<AbstractSqlDriver>;
export type EntityManager = SqlEntityManager;

/** Opens the database and brings its schema up to date. */
export async function openDatabase(database: DatabaseConfiguration, entities: Entities): Promise<Orm> {
  if (database.dialect === 'postgresql') {
    await withMigrator(database, entities, (migrator) => migrator.up());
    return await openConnection(database, entities);
  }
  // On the connection that is kept: a database in memory is gone with it.
  const orm = await openConnection(database, entities);
  try {
    await withoutForeignKeys(orm, () => orm.migrator.up());
    return orm;
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

/** Opens the database as it is. */
export async function openConnection(database: DatabaseConfiguration, entities: Entities): Promise<Orm> {
  if (database.dialect === 'sqlite') prepareFolder(database.path);
  const orm: Orm = await MikroORM.init(ormOptions(database, entities));
  try {
    if (database.dialect === 'sqlite') await tuneSqlite(orm);
    else await assertUsable(orm, database);
    return orm;
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

/**
 * One connection more, for what must not wait behind requests that keep all others busy. SQLite has one for everything.
 */
export async function openReserved(orm: Orm, database: DatabaseConfiguration, entities: Entities): Promise<Orm> {
  return database.dialect === 'postgresql' ? await openConnection({ ...database, poolSize: 1 }, entities) : orm;
}

/** Lets `work` change the schema, on connections of its own, as the only one who does. */
export async function withMigrator<T>(
  database: DatabaseConfiguration,
  entities: Entities,
  work: (migrator: Orm['migrator']) => Promise<T>,
): Promise<T> {
  // One connection holds the lock, one migrates.
  const own = database.dialect === 'postgresql' ? { ...database, poolSize: 2, patient: true } : database;
  await using orm = await openConnection(own, entities);
  const alone = database.dialect === 'postgresql' ? onlyHere : withoutForeignKeys;
  return await alone(orm, () => work(orm.migrator));
}

/** What must never be shown of how the database is reached. */
export const databaseSecrets = (database: DatabaseConfiguration): string[] =>
  database.dialect === 'postgresql' ? passwordOf(database) : [];
