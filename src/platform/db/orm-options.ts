import { join } from 'node:path';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { Migrator } from '@mikro-orm/migrations';
import type { DatabaseConfiguration } from '../config/configuration.js';
import type { Tracing } from '../telemetry/tracing.js';
import { packageRoot } from '../config/package-root.js';
import type { Entities, OrmOptions } from './orm.js';
import { createQueryLogger } from './query-logger.js';
import { createPostgresqlOptions } from './postgresql.js';
import { SqliteDriver } from './sqlite-driver.js';

/** Relative to this file, which may be the source or the compiled one. */
const MIGRATIONS = join(import.meta.dirname, '../../migrations');

/** Returns the options of MikroORM for the server, the commands and mikro-orm.config.ts. */
export function createOrmOptions(
  database: DatabaseConfiguration,
  entities: Entities,
  tracing: Tracing | null = null,
): OrmOptions {
  return {
    ...(database.dialect === 'sqlite'
      ? { driver: SqliteDriver, dbName: database.path }
      : createPostgresqlOptions(database)),
    entities,
    ...(tracing ? { loggerFactory: createQueryLogger(tracing, database.dialect) } : {}),
    extensions: [Migrator],
    metadataProvider: ReflectMetadataProvider,
    // Each operation must use a fork of its own, never the global EntityManager.
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
