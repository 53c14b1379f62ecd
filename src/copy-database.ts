import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { entities } from './entities.js';
import { ConfigurationError, readConfiguration } from './platform/config/configuration.js';
import { copyRows } from './platform/db/copy.js';
import { openConnection, openDatabase } from './platform/db/database.js';

/** Moves Parley from SQLite to PostgreSQL: `npm run db:copy -- FROM TO`, two URLs as DATABASE_URL takes them. */
const USAGE = 'npm run db:copy -- sqlite:PATH postgres://USER:PASSWORD@HOST:PORT/DATABASE';

async function main([from, to]: string[]): Promise<void> {
  if (!from || !to) return fail(`Say from where to where: ${USAGE}`);
  const [source, target] = [databaseOf('FROM', from), databaseOf('TO', to)];
  if (source.dialect !== 'sqlite' || target.dialect !== 'postgresql')
    return fail(`It goes from SQLite to PostgreSQL: ${USAGE}`);
  if (!existsSync(source.path)) return fail(`There is no file ${source.path}.`);

  await using old = await openConnection(source, entities);
  if ((await old.migrator.getPending()).length > 0)
    return fail(
      `${from} is behind: run \`DATABASE_URL=${from} npm run migration:up\` first, which brings it up to date.`,
    );
  await using fresh = await openDatabase(target, entities);

  process.once('SIGINT', () => {
    console.error('\nStopped. Nothing was copied: the target is as empty as before.');
    process.exit(130);
  });
  const copied = await copyRows(old, fresh, (table, rows, of) => {
    if (process.stdout.isTTY) process.stdout.write(`\r${line(table, rows)} of ${of.toLocaleString('en')}\x1b[K`);
  });
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  // So that its first queries are planned with the tables' true sizes.
  await fresh.em.fork().execute('analyze');
  for (const { name, rows } of copied) console.log(line(name, rows));
  console.log('Everything has been copied, and counted on both sides. Set DATABASE_URL, and start Parley.');
}

const line = (table: string, rows: number): string => `${table.padEnd(16)} ${rows.toLocaleString('en').padStart(9)}`;

function databaseOf(name: string, url: string) {
  try {
    return readConfiguration({ DATABASE_URL: url }).database;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return fail(error.mistakes.map((mistake) => mistake.replace('DATABASE_URL', name)).join('\n'));
  }
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

main(process.argv.slice(2)).catch((error: Error) => fail(`${error.message}\nNothing was copied.`));
