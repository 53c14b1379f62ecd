import { existsSync } from 'node:fs';
import { entities } from '../entities.js';
import { readConfiguration, type DatabaseConfiguration } from '../platform/config/configuration.js';
import { loadEnvFile } from '../platform/config/env-file.js';
import { openConnection } from '../platform/db/database.js';
import { describeDatabase } from '../platform/db/describe-database.js';
import type { Orm } from '../platform/db/orm.js';
import { CommandError } from './command.js';

/** Returns the database of DATABASE_URL, and prints its name to standard error. */
export function readDatabaseConfiguration(): DatabaseConfiguration {
  const mistakes = loadEnvFile();
  const { DATABASE_URL, DATABASE_URL_FILE } = process.env;
  const { database } = readConfiguration({ DATABASE_URL, DATABASE_URL_FILE }, mistakes);
  console.error(`Database: ${describeDatabase(database)}`);
  return database;
}

/**
 * Opens the database of DATABASE_URL without migrating it.
 * @throws CommandError if it does not exist or has pending migrations
 */
export async function openConfiguredDatabase(): Promise<Orm> {
  const database = readDatabaseConfiguration();
  assertExists(database);
  const orm = await openConnection(database, entities);
  if ((await orm.migrator.getPending()).length === 0) return orm;
  await orm.close(true);
  throw new CommandError('The database has pending migrations: start the server once, or run `npm run migration:up`.');
}

/** @throws CommandError if the SQLite file does not exist, because opening would create it */
export function assertExists(database: DatabaseConfiguration): void {
  if (database.dialect === 'sqlite' && !existsSync(database.path))
    throw new CommandError(`${database.path} does not exist. Set DATABASE_URL, or start the server once to create it.`);
}
