import type { Configuration } from '../config/configuration.js';
import type { Orm } from './database.js';
import type { OrmOptions } from './orm-options.js';
import { PostgreSqlDriver } from './postgresql-driver.js';
import { isConnectionError } from './postgresql-errors.js';
import { cutSilentConnections, reclaimLostConnections, type Pool } from './postgresql-pool.js';

type PostgreSqlConfiguration = Extract<Configuration['database'], { dialect: 'postgresql' }> & {
  /** For migrations: statements may take their time. */
  patient?: boolean;
};

/** How long a connection may take to be made, or to become free, in milliseconds. */
const CONNECTING = 5_000;

/** The longest statement, and the longest pause inside of a transaction, in milliseconds; the server ends what exceeds them. */
const STATEMENT = 30_000;

/** The longest silence of a connection, in milliseconds: longer than the server lets anything take. */
const SILENCE = 45_000;

/** How long an instance waits for another one's migrations, in milliseconds. */
const MIGRATING = 10 * 60_000;

/** Names the lock that migrations hold: any number that nobody else on this database uses. */
const MIGRATION_LOCK = 7_246_391_508;

const OLDEST_VERSION = 15;

const SHORTEST_PASSWORD = 8;

/** What the URL says wins: `pg` puts its parameters above these. */
export function postgresqlOptions({ url, poolSize, patient = false }: PostgreSqlConfiguration): OrmOptions {
  const limit = patient ? 0 : STATEMENT;
  return {
    driver: PostgreSqlDriver,
    dbName: databaseName(url),
    driverOptions: {
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: CONNECTING,
      idleTimeoutMillis: SILENCE / 2,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      statement_timeout: limit,
      idle_in_transaction_session_timeout: limit,
      fallback_application_name: 'parley',
      onPoolCreated(pool: Pool) {
        reclaimLostConnections(pool);
        if (!patient) cutSilentConnections(pool, SILENCE);
      },
    },
  };
}

/**
 * Makes sure that the server can be used.
 * @throws DatabaseError that tells what to do
 */
export async function assertUsable(orm: Orm, { url }: PostgreSqlConfiguration): Promise<void> {
  try {
    const [row] = await orm.em
      .fork()
      .execute<{ version: string; encoding: string }[]>(
        `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding`,
      );
    const version = Math.floor(Number(row!.version) / 10_000);
    if (version < OLDEST_VERSION)
      throw new DatabaseError(`PostgreSQL ${OLDEST_VERSION} or later is needed, and this is ${version}: upgrade it.`);
    if (row!.encoding !== 'UTF8')
      throw new DatabaseError(`The database's encoding is ${row!.encoding}: create one with UTF8.`);
  } catch (error) {
    throw adviceFor(error as Error & { code?: string }, url) ?? error;
  }
}

/**
 * Runs migrations, of any number of instances that start at once in one after the other: the others wait, and then find
 * nothing to do. The lock ends with the transaction that holds it, whatever becomes of this process.
 * @throws DatabaseError when it has been waited for long enough
 */
export async function onlyHere<T>(orm: Orm, work: () => Promise<T>): Promise<T> {
  return await orm.em.fork().transactional(async (tx) => {
    try {
      await tx.execute(`set local lock_timeout = ${MIGRATING}`);
      await tx.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error;
      throw new DatabaseError('Another instance has been migrating the database for too long: see what it is doing.');
    }
    return await work();
  });
}

/** The database cannot be used as it is; the message, of one line, tells what to do. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly code = 'DATABASE_UNUSABLE';
}

/** Never with anything of the URL but host, port and the database's name: it holds a password. */
function adviceFor(error: Error & { code?: string }, url: string): DatabaseError | null {
  switch (error.code) {
    case '28P01':
    case '28000':
      return new DatabaseError(`PostgreSQL refuses the user or the password: set DATABASE_URL right.`);
    case '3D000':
      return new DatabaseError(`There is no database "${databaseName(url)}": create it, or set DATABASE_URL right.`);
  }
  if (!isConnectionError(error)) return null;
  return new DatabaseError(
    `The database at ${hostOf(url)} cannot be reached (${error.code ?? error.message}): start it, or set DATABASE_URL right.`,
  );
}

/** The password, as it is and as the URL writes it. One that is a word or so is left out: it may be any word of the log. */
export function passwordOf({ url }: PostgreSqlConfiguration): string[] {
  const { password } = new URL(url);
  return password.length < SHORTEST_PASSWORD ? [] : [password, decodeURIComponent(password)];
}

const databaseName = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1));

function hostOf(url: string): string {
  const { host, searchParams } = new URL(url);
  return host || searchParams.get('host') || 'localhost';
}
