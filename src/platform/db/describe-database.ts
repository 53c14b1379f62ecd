import type { DatabaseConfiguration } from '../config/configuration.js';

/** Returns the name of the database, without credentials. */
export function describeDatabase(database: DatabaseConfiguration): string {
  if (database.dialect === 'sqlite')
    return database.path === ':memory:' ? 'SQLite, in memory' : `SQLite, ${database.path}`;
  const { host, pathname } = new URL(database.url);
  return `PostgreSQL, ${decodeURIComponent(pathname.slice(1))} at ${host}`;
}

/** Returns how to start with an empty database. */
export function describeReset(database: DatabaseConfiguration): string {
  if (database.dialect === 'postgresql') return 'stop Parley, drop the database and create it again';
  if (database.path === ':memory:') return 'restart Parley; the database is lost when it ends';
  const path = quote(database.path);
  return `stop Parley, then run: rm -f ${path} ${path}-*`;
}

/** Quotes a path for a POSIX shell if necessary. */
const quote = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
