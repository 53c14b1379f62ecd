import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { entities } from '../entities.js';
import { ConfigurationError, readConfiguration } from '../platform/config/configuration.js';
import { copyRows } from '../platform/db/copy.js';
import { openConnection, openDatabase } from '../platform/db/database.js';

/** Copies all data from SQLite to PostgreSQL: `npm run db:copy -- FROM TO`. Both have the form of DATABASE_URL. */
const USAGE = 'Usage: npm run db:copy -- sqlite:PATH postgres://USER:PASSWORD@HOST:PORT/DATABASE';

async function main([from, to]: string[]): Promise<void> {
  if (!from || !to) return fail(USAGE);
  const [source, target] = [parseDatabaseUrl('FROM', from), parseDatabaseUrl('TO', to)];
  if (source.dialect !== 'sqlite' || target.dialect !== 'postgresql')
    return fail(`FROM must be a SQLite database and TO a PostgreSQL database.\n${USAGE}`);
  if (!existsSync(source.path)) return fail(`File not found: ${source.path}`);

  await using sourceOrm = await openConnection(source, entities);
  if ((await sourceOrm.migrator.getPending()).length > 0)
    return fail(`${from} has pending migrations: run \`DATABASE_URL=${from} npm run migration:up\` first.`);
  await using targetOrm = await openDatabase(target, entities);

  process.once('SIGINT', () => {
    console.error('\nStopped. Nothing was copied.');
    process.exit(130);
  });
  const copied = await copyRows(sourceOrm, targetOrm, (table, rows, total) => {
    if (process.stdout.isTTY)
      process.stdout.write(`\r${formatCount(table, rows)} of ${total.toLocaleString('en')}\x1b[K`);
  });
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  // Updates the planner's statistics, so that the first queries have good plans.
  await targetOrm.em.fork().execute('analyze');
  for (const { name, rows } of copied) console.log(formatCount(name, rows));
  console.log('Copied all tables; the row counts match. Set DATABASE_URL and start Parley.');
}

const formatCount = (table: string, rows: number): string =>
  `${table.padEnd(16)} ${rows.toLocaleString('en').padStart(9)}`;

function parseDatabaseUrl(name: string, url: string) {
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
