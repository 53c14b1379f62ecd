import 'reflect-metadata';
import { MikroORM } from '@mikro-orm/core';
import { entities } from './entities.js';
import { readConfiguration } from './platform/config/configuration.js';
import { loadEnvFile } from './platform/config/env-file.js';
import { openConnection, withMigrator } from './platform/db/database.js';
import { ormOptions, type DatabaseConfiguration } from './platform/db/orm-options.js';
import { DatabaseError } from './platform/db/postgresql.js';

/**
 * The migration commands: `npm run migration:create|up|down|list|check`. create and check are about the migrations of
 * both kinds of database, and open none; the others work on the one of DATABASE_URL. The server itself runs pending
 * ones at start.
 */
const commands: Record<string, () => Promise<void>> = {
  async create() {
    const written: string[] = [];
    for (const dialect of DIALECTS) {
      await using orm = await MikroORM.init(ormOptions(NOWHERE[dialect], entities));
      const { fileName, diff } = await orm.migrator.create();
      if (diff.up.length > 0) written.push(`src/migrations/${dialect}/${fileName}`);
    }
    if (written.length === 0) console.log('The entities and the newest migrations agree; there is nothing to create.');
    else console.log(`Wrote ${written.join(' and ')}. Read it before you commit it.`);
  },
  async check() {
    const behind: string[] = [];
    for (const dialect of DIALECTS) {
      await using orm = await MikroORM.init(ormOptions(NOWHERE[dialect], entities));
      if (await orm.migrator.checkSchema()) behind.push(dialect);
    }
    if (behind.length > 0)
      fail(`The entities are ahead of the migrations of ${behind.join(' and ')}: run \`npm run migration:create\`.`);
    console.log('The migrations are in step with the entities.');
  },
  async up() {
    const ran = await withMigrator(database(), entities, (migrator) => migrator.up());
    console.log(ran.length === 0 ? 'Nothing is pending.' : `Applied: ${ran.map(({ name }) => name).join(', ')}`);
  },
  async down() {
    const ran = await withMigrator(database(), entities, (migrator) => migrator.down());
    console.log(ran.length === 0 ? 'Nothing to revert.' : `Reverted: ${ran.map(({ name }) => name).join(', ')}`);
  },
  async list() {
    await using orm = await openConnection(database(), entities);
    for (const { name, executed_at: at } of await orm.migrator.getExecuted())
      console.log(`applied  ${name}  ${at?.toISOString() ?? ''}`);
    for (const { name } of await orm.migrator.getPending()) console.log(`pending  ${name}`);
  },
};

/** Databases that are never opened: what is compared are the entities and the committed snapshot. */
const NOWHERE = {
  sqlite: { dialect: 'sqlite', path: ':memory:' },
  postgresql: { dialect: 'postgresql', url: 'postgres://localhost/parley', poolSize: 1 },
} as const satisfies Record<string, DatabaseConfiguration>;
const DIALECTS = Object.keys(NOWHERE) as (keyof typeof NOWHERE)[];

const database = () => readConfiguration({ DATABASE_URL: process.env['DATABASE_URL'] }).database;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

loadEnvFile();
const command = commands[process.argv[2] ?? ''];
if (!command) fail(`Say one of: ${Object.keys(commands).join(', ')}.`);
await command().catch((error: unknown) => {
  if (error instanceof DatabaseError) fail(error.message);
  throw error;
});
