import 'reflect-metadata';
import { MikroORM } from '@mikro-orm/sqlite';
import { entities } from './entities.js';
import { readConfiguration } from './platform/config/configuration.js';
import { loadEnvFile } from './platform/config/env-file.js';
import { openConnection, withoutForeignKeys } from './platform/db/database.js';
import { ormOptions } from './platform/db/orm-options.js';

/** The migration commands: `npm run migration:create|up|down|list|check`. The server itself runs pending ones at start. */
const commands: Record<string, () => Promise<void>> = {
  async create() {
    await using orm = await forSchemaOnly();
    const { fileName, diff } = await orm.migrator.create();
    if (diff.up.length === 0) console.log('The entities and the newest migration agree; there is nothing to create.');
    else console.log(`Wrote src/migrations/sqlite/${fileName}. Read it before you commit it.`);
  },
  async check() {
    await using orm = await forSchemaOnly();
    if (await orm.migrator.checkSchema()) fail('The entities have changed: run `npm run migration:create`.');
    console.log('The migrations are in step with the entities.');
  },
  async up() {
    await using orm = await openConnection(database(), entities);
    const ran = await withoutForeignKeys(orm, () => orm.migrator.up());
    console.log(ran.length === 0 ? 'Nothing is pending.' : `Applied: ${ran.map(({ name }) => name).join(', ')}`);
  },
  async down() {
    await using orm = await openConnection(database(), entities);
    const ran = await withoutForeignKeys(orm, () => orm.migrator.down());
    console.log(ran.length === 0 ? 'Nothing to revert.' : `Reverted: ${ran.map(({ name }) => name).join(', ')}`);
  },
  async list() {
    await using orm = await openConnection(database(), entities);
    for (const { name, executed_at: at } of await orm.migrator.getExecuted())
      console.log(`applied  ${name}  ${at?.toISOString() ?? ''}`);
    for (const { name } of await orm.migrator.getPending()) console.log(`pending  ${name}`);
  },
};

loadEnvFile();
const database = () => readConfiguration({ DATABASE_URL: process.env['DATABASE_URL'] }).database;

/** Compares entities with the committed snapshot, so no database of the user's is opened. */
async function forSchemaOnly() {
  return await MikroORM.init(ormOptions({ dialect: 'sqlite', path: ':memory:' }, entities));
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const command = commands[process.argv[2] ?? ''];
if (!command) fail(`Say one of: ${Object.keys(commands).join(', ')}.`);
await command();
