import { join } from 'node:path';
import type { Options } from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { Migrator } from '@mikro-orm/migrations';
import type { AbstractSqlDriver } from '@mikro-orm/sql';
import { SqliteDriver } from '@mikro-orm/sqlite';
import type { Configuration } from '../config/configuration.js';
import { packageRoot } from '../config/package-root.js';
import { postgresqlOptions } from './postgresql.js';

export type DatabaseConfiguration = Configuration['database'];
export type Dialect = DatabaseConfiguration['dialect'];
export type OrmOptions = Partial<Options<AbstractSqlDriver>>;
export type Entities = NonNullable<OrmOptions['entities']>;

/** Beside this file's folder, be it compiled or not. */
const MIGRATIONS = join(import.meta.dirname, '../../migrations');

/** What the ORM needs to know, shared by the server and the migration commands. */
export function ormOptions(database: DatabaseConfiguration, entities: Entities): OrmOptions {
  return {
    ...(database.dialect === 'sqlite' ? { driver: SqliteDriver, dbName: database.path } : postgresqlOptions(database)),
    entities,
    extensions: [Migrator],
    metadataProvider: ReflectMetadataProvider,
    // Nothing runs on the global EntityManager: each operation takes a fork of its own.
    allowGlobalContext: false,
    forceUtcTimezone: true,
    migrations: {
      path: join(MIGRATIONS, database.dialect),
      pathTs: join(packageRoot, 'src/migrations', database.dialect),
      snapshotOnMigrate: false,
      snapshotName: '.snapshot',
      silent: true,
    },
  };
}
