import type { DatabaseConfiguration } from '../config/configuration.js';
import { DatabaseError } from './database-error.js';
import type { Orm, OrmOptions } from './orm.js';
import { PostgreSqlDriver } from './postgresql-driver.js';
import { isConnectionError } from './postgresql-errors.js';
import { closeSilentConnections, releaseLostConnections, type Pool, type PoolClient } from './postgresql-pool.js';

type PostgreSqlConfiguration = Extract<DatabaseConfiguration, { dialect: 'postgresql' }> & {
  /** False for migrations, whose statements may take long. */
  timeouts?: boolean;
};

/** For opening a connection, and for waiting until one is free. */
const CONNECT_TIMEOUT_MS = 5_000;

/** For a statement, and for an idle transaction. The server enforces both. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** For a connection on which nothing arrives. Longer than the server lets a statement run. */
const SILENCE_TIMEOUT_MS = 45_000;

/** How long an instance waits while another one migrates. */
const MIGRATION_LOCK_TIMEOUT_MS = 10 * 60_000;

/** The key of the advisory lock that migrations hold: an arbitrary number. */
const MIGRATION_LOCK_KEY = 7_246_391_508;

const MIN_VERSION = 15;

/** Dates and texts must not depend on the defaults of the database, of its user or of the server. */
const SESSION_SETTINGS = `set datestyle to 'ISO, MDY'; set timezone to 'UTC'; set client_encoding to 'UTF8'`;

/** Shorter passwords are not redacted: each may be an ordinary word of the log. */
const MIN_REDACTED_LENGTH = 8;

/** Returns the connection options. Parameters of the URL override them. */
export function createPostgresqlOptions({ url, poolSize, timeouts = true }: PostgreSqlConfiguration): OrmOptions {
  const statementTimeout = timeouts ? STATEMENT_TIMEOUT_MS : 0;
  return {
    driver: PostgreSqlDriver,
    dbName: getDatabaseName(url),
    driverOptions: {
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: SILENCE_TIMEOUT_MS / 2,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      statement_timeout: statementTimeout,
      idle_in_transaction_session_timeout: statementTimeout,
      fallback_application_name: 'parley',
      onConnect: (client: PoolClient) => client.query(SESSION_SETTINGS),
      onPoolCreated(pool: Pool) {
        releaseLostConnections(pool);
        if (timeouts) closeSilentConnections(pool, SILENCE_TIMEOUT_MS);
      },
    },
  };
}

/**
 * Checks that the server is reachable, has a supported version, stores UTF-8 and accepts writes.
 * @throws DatabaseError that says what to do
 */
export async function assertUsable(orm: Orm, { url }: PostgreSqlConfiguration): Promise<void> {
  const [row] = await withPostgresqlErrors(url, () =>
    orm.em.fork().execute<{ version: string; encoding: string; readonly: string }[]>(
      `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding,
              current_setting('transaction_read_only') as readonly`,
    ),
  );
  const version = Math.floor(Number(row!.version) / 10_000);
  if (version < MIN_VERSION)
    throw new DatabaseError(`PostgreSQL ${version} is not supported: upgrade to ${MIN_VERSION} or later.`);
  if (row!.encoding !== 'UTF8')
    throw new DatabaseError(`The database has the encoding ${row!.encoding}: create one with UTF8.`);
  if (row!.readonly === 'on')
    throw new DatabaseError(
      `The database at ${getHost(url)} is read-only: use the address of the primary server in DATABASE_URL.`,
    );
}

/**
 * Checks that the user may read and write all tables.
 * @throws DatabaseError that names the other tables
 */
export async function assertWritable(orm: Orm): Promise<void> {
  const tables = [...orm.getMetadata().getAll().values()].map(({ tableName }) => tableName);
  const privileges = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
  const denied = await orm.em.fork().execute<{ name: string }[]>(
    `select name from unnest('{${tables.join(',')}}'::text[]) as name
       where not (${privileges.map((privilege) => `has_table_privilege(name, '${privilege}')`).join(' and ')})`,
  );
  if (denied.length === 0) return;
  const names = denied.map(({ name }) => name).join(', ');
  throw new DatabaseError(
    `The user of DATABASE_URL has no permission to write ${names}: grant ${privileges.join(', ')} on all tables.`,
  );
}

/** Runs `work`, which opens or migrates the database. @throws DatabaseError if the database cannot be used */
export async function withPostgresqlErrors<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDatabaseError(error as Error & { code?: string }, url) ?? error;
  }
}

/**
 * Runs `work` while holding the migration lock. If several instances start at once, one migrates; the others wait and
 * then find nothing to do. The server releases the lock with its transaction, also if this process crashes.
 * @throws DatabaseError if the lock is not granted in time
 */
export async function withMigrationLock<T>(orm: Orm, work: () => Promise<T>): Promise<T> {
  return await orm.em.fork().transactional(async (tx) => {
    try {
      await tx.execute(`set local lock_timeout = ${MIGRATION_LOCK_TIMEOUT_MS}`);
      await tx.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK_KEY})`);
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error;
      throw new DatabaseError(
        'Timed out while another instance migrates the database: check the log of that instance.',
      );
    }
    return await work();
  });
}

/** The messages quote only the host, port and database name of the URL, because it contains a password. */
function toDatabaseError(error: Error & { code?: string }, url: string): DatabaseError | null {
  switch (error.code) {
    case '28P01':
    case '28000':
      return new DatabaseError('Authentication failed: check the credentials in DATABASE_URL.');
    case '3D000':
      return new DatabaseError(`Database "${getDatabaseName(url)}" not found: create it, or correct DATABASE_URL.`);
    case '42501':
      return new DatabaseError(
        'The user of DATABASE_URL has no permission to create tables: make it the owner of the database.',
      );
  }
  if (!isConnectionError(error)) return null;
  return new DatabaseError(
    `Could not connect to the database at ${getHost(url)} (${error.code ?? error.message}): start it, or correct DATABASE_URL.`,
  );
}

/** Returns the password, both plain and as it is encoded in the URL, for redaction. */
export function getPasswords({ url }: PostgreSqlConfiguration): string[] {
  const { password } = new URL(url);
  return password.length < MIN_REDACTED_LENGTH ? [] : [password, decodeURIComponent(password)];
}

const getDatabaseName = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1));

function getHost(url: string): string {
  const { host, searchParams } = new URL(url);
  return host || searchParams.get('host') || 'localhost';
}
