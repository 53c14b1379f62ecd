import 'reflect-metadata';
import { MikroORM } from '@mikro-orm/core';
import { entities } from '../entities.js';
import { ConfigurationError, readConfiguration, type DatabaseConfiguration } from '../platform/config/configuration.js';
import { loadEnvFile } from '../platform/config/env-file.js';
import { openConnection, withMigrator } from '../platform/db/database.js';
import { createOrmOptions } from '../platform/db/orm-options.js';
import { DatabaseError } from '../platform/db/database-error.js';

/**
 * The migration commands: `npm run migration:create|up|down|list|check`. `create` and `check` handle the migrations of
 * both databases and open neither; the others use DATABASE_URL. The server applies pending migrations when it starts.
 */
const commands: Record<string, () => Promise<void>> = {
  async create() {
    const written: string[] = [];
    for (const dialect of DIALECTS) {
      await using orm = await MikroORM.init(createOrmOptions(UNOPENED[dialect], entities));
      const { fileName, diff } = await orm.migrator.create();
      if (diff.up.length > 0) written.push(`src/migrations/${dialect}/${fileName}`);
    }
    if (written.length === 0) console.log('No changes: the migrations match the entities.');
    else console.log(`Created ${written.join(' and ')}. Review before you commit.`);
  },
  async check() {
    const outdated: string[] = [];
    for (const dialect of DIALECTS) {
      await using orm = await MikroORM.init(createOrmOptions(UNOPENED[dialect], entities));
      if (await orm.migrator.checkSchema()) outdated.push(dialect);
    }
    if (outdated.length > 0)
      fail(`The ${outdated.join(' and ')} migrations do not match the entities: run \`npm run migration:create\`.`);
    console.log('The migrations match the entities.');
  },
  async up() {
    const applied = await withMigrator(readDatabase(), entities, (migrator) => migrator.up());
    console.log(
      applied.length === 0 ? 'No pending migrations.' : `Applied: ${applied.map(({ name }) => name).join(', ')}`,
    );
  },
  async down() {
    const reverted = await withMigrator(readDatabase(), entities, (migrator) => migrator.down());
    console.log(
      reverted.length === 0 ? 'No applied migrations.' : `Reverted: ${reverted.map(({ name }) => name).join(', ')}`,
    );
  },
  async list() {
    await using orm = await openConnection(readDatabase(), entities);
    for (const { name, executed_at: at } of await orm.migrator.getExecuted())
      console.log(`applied  ${name}  ${at?.toISOString() ?? ''}`);
    for (const { name } of await orm.migrator.getPending()) console.log(`pending  ${name}`);
  },
};

/** Never opened: `create` and `check` compare the entities with the committed snapshot. */
const UNOPENED = {
  sqlite: { dialect: 'sqlite', path: ':memory:' },
  postgresql: { dialect: 'postgresql', url: 'postgres://localhost/parley', poolSize: 1 },
} as const satisfies Record<string, DatabaseConfiguration>;
const DIALECTS = Object.keys(UNOPENED) as (keyof typeof UNOPENED)[];

const readDatabase = () => {
  const mistakes = loadEnvFile();
  const { DATABASE_URL, DATABASE_URL_FILE } = process.env;
  return readConfiguration({ DATABASE_URL, DATABASE_URL_FILE }, mistakes).database;
};

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const command = commands[process.argv[2] ?? ''];
if (!command) fail(`Usage: npm run migration:${Object.keys(commands).join('|')}`);
await command().catch((error: unknown) => {
  if (error instanceof DatabaseError || error instanceof ConfigurationError) fail(error.message);
  throw error;
});
