import { join } from 'node:path';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type Options } from '@mikro-orm/sqlite';
import type { Configuration } from '../config/configuration.js';
import { packageRoot } from '../config/package-root.js';

export type DatabaseConfiguration = Configuration['database'];

/** Beside this file's folder, be it compiled or not. */
const MIGRATIONS = join(import.meta.dirname, '../../migrations');

/** What the ORM needs to know, shared by the server and the migration commands. */
export function ormOptions(database: DatabaseConfiguration, entities: Options['entities']): Options {
  return defineConfig({
    dbName: database.path,
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
  });
}
