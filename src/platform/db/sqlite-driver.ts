import { statSync } from 'node:fs';
import {
  DefaultLogger,
  isRaw,
  raw,
  type Configuration,
  type Connection,
  type Dictionary,
  type DriverException,
  type EntityData,
  type LoggingOptions,
  type QueryResult,
  type RawQueryFragment,
  type Transaction,
} from '@mikro-orm/core';
import { AbstractSqlDriver, NativeQueryBuilder, SqlitePlatform } from '@mikro-orm/sql';
import { SqliteConnection } from '@mikro-orm/sqlite';
import { CompiledQuery, SqliteDialect, type Dialect, type Kysely } from 'kysely';
import { bindParameters } from './bind-parameters.js';
import type { PreparingConnection, QueryValue } from './prepared-query.js';
import { createSqliteDialect, ConnectionTurns, type SqliteObserver } from './sqlite-dialect.js';
import { StatementCache } from './sqlite-statements.js';
import { isBusy, isStorageError, toTransientError } from './transient-sqlite-errors.js';

/** Writes as much as a long answer, and leaves nothing behind. */
const PROBE = ['create table probe (data blob)', 'insert into probe values (zeroblob(1000000))', 'drop table probe'];

/** How long reads rely on the last check of the file, which costs as much as a short query. */
const CHECK_INTERVAL_MS = 50;

/**
 * MikroORM's connection, with three differences:
 *
 * 1. Values are bound, so that each statement is prepared once. The ORM would write them into the text.
 * 2. Errors of `begin` and `commit` are converted. The ORM converts only those of queries.
 * 3. Prepared queries run at once while no transaction is open, without Kysely's queue for the connection.
 */
class FileConnection extends SqliteConnection implements PreparingConnection {
  #hasStorageFailed = false;
  readonly #turns = new ConnectionTurns();
  /** Null until the first use. */
  #statements: StatementCache | null = null;
  #observer: SqliteObserver | null = null;

  override createKyselyDialect(options: Dictionary): Dialect {
    // It opens the database.
    super.createKyselyDialect(options);
    const database = async () => (this.#statements = new StatementCache(await this.getNativeClient()));
    const path = this.config.get('dbName')!;
    const file = path === ':memory:' ? null : new DatabaseFile(path);
    this.#observer = {
      onUse: () => file?.assertInPlace(),
      onRead: () => file?.assertInPlaceLately(),
      onStorageError: () => (this.#hasStorageFailed = true),
    };
    return createSqliteDialect(new SqliteDialect({ database }), this.#observer, this.#turns);
  }

  async runPrepared(
    sql: string,
    values: readonly QueryValue[],
    _text: string,
    tx: unknown,
  ): Promise<EntityData<object>[]> {
    const bound = values.map(toBound);
    const run = () => (tx ? null : this.#tryRunNow(sql, bound)) ?? this.#runLater(sql, bound, tx);
    if (!this.#hasQueryLog) return await run();
    return await this.executeQuery(
      sql,
      async () => await run(),
      // A list as it is bound, so that a logged statement can be run again.
      { query: sql, params: values.map((value, i) => (Array.isArray(value) ? bound[i] : value)) },
    );
  }

  /** Whether queries are logged or traced. Otherwise they need not be described. */
  get #hasQueryLog(): boolean {
    const { logger } = this;
    return logger.isEnabled('query') || Object.getPrototypeOf(logger) !== DefaultLogger.prototype;
  }

  async #runLater(sql: string, bound: unknown[], tx: unknown): Promise<EntityData<object>[]> {
    await this.ensureConnection();
    const client = (tx as Kysely<unknown> | undefined) ?? this.getClient<unknown>();
    return (await client.executeQuery(CompiledQuery.raw(sql, bound))).rows as EntityData<object>[];
  }

  /** Returns the rows; null if the statement must wait for its turn, or for another process. */
  #tryRunNow(sql: string, values: readonly unknown[]): EntityData<object>[] | null {
    if (!this.#statements || !this.#turns.isFree) return null;
    try {
      const statement = this.#statements.prepare(sql);
      if (!statement.reader) return null;
      if (sql.startsWith('select')) this.#observer!.onRead();
      else this.#observer!.onUse();
      return statement.all(values) as EntityData<object>[];
    } catch (error) {
      if (isBusy(error as Error)) return null;
      if (isStorageError(error as Error)) this.#observer!.onStorageError();
      throw error;
    }
  }

  override async execute<T extends QueryResult | EntityData<object> | EntityData<object>[] = EntityData<object>[]>(
    query: string | NativeQueryBuilder | RawQueryFragment,
    params: readonly unknown[] | Dictionary = [],
    method: 'all' | 'get' | 'run' = 'all',
    tx?: Transaction,
    loggerContext?: LoggingOptions,
  ): Promise<T> {
    await this.ensureConnection();
    const fragment = query instanceof NativeQueryBuilder ? query.toRaw() : query;
    const { sql, params: values } = isRaw(fragment) ? fragment : raw(fragment, params as unknown[]);
    const bound = bindParameters(this.platform, sql, values);
    return await this.executeQuery(
      sql,
      async () => {
        const result = await ((tx as Kysely<unknown> | undefined) ?? this.getClient<unknown>()).executeQuery(
          CompiledQuery.raw(bound.sql, bound.parameters),
        );
        return this.transformRawResult<T>(result, method);
      },
      { query: sql, params: [...values], ...loggerContext },
    );
  }

  override async close(...args: Parameters<SqliteConnection['close']>): Promise<void> {
    this.#statements = null;
    await super.close(...args);
  }

  override begin(...args: Parameters<SqliteConnection['begin']>): ReturnType<SqliteConnection['begin']> {
    return convertError(super.begin(...args));
  }

  override commit(...args: Parameters<SqliteConnection['commit']>): Promise<void> {
    return convertError(super.commit(...args));
  }

  /** After an error of the storage, it also checks that the database can be written, until it can. */
  override async checkConnection(): ReturnType<Connection['checkConnection']> {
    const result = await super.checkConnection();
    if (!result.ok || !this.#hasStorageFailed) return result;
    try {
      await this.transactional(async (tx) => {
        for (const statement of PROBE) await this.execute(statement, [], 'run', tx);
      });
      this.#hasStorageFailed = false;
      return result;
    } catch (error) {
      return { ok: false, reason: (error as Error).message, error: error as Error };
    }
  }
}

/** better-sqlite3 binds each number as a floating-point number, and neither booleans nor lists. */
function toBound(value: QueryValue): string | bigint | null {
  if (typeof value === 'number' || typeof value === 'boolean') return BigInt(value);
  if (value instanceof Date) return BigInt(value.getTime());
  return value === null || typeof value === 'string' ? value : JSON.stringify(value);
}

/** Detects that the file was moved or deleted, since SQLite would go on writing to it without an error. */
class DatabaseFile {
  readonly #inode: bigint | undefined;
  #checkedAt = -Infinity;

  constructor(private readonly path: string) {
    this.#inode = this.#readInode();
  }

  /** @throws Error with a code of SQLite */
  assertInPlace(): void {
    const isInPlace = this.#readInode() === this.#inode;
    this.#checkedAt = isInPlace ? performance.now() : -Infinity;
    if (isInPlace) return;
    throw Object.assign(new Error('The database file was moved or deleted.'), { code: 'SQLITE_READONLY_DBMOVED' });
  }

  /** For reads, which lose nothing: relies on the last check unless it failed or is too old. */
  assertInPlaceLately(): void {
    if (performance.now() - this.#checkedAt >= CHECK_INTERVAL_MS) this.assertInPlace();
  }

  #readInode(): bigint | undefined {
    return statSync(this.path, { bigint: true, throwIfNoEntry: false })?.ino;
  }
}

const convertError = <T>(promise: Promise<T>): Promise<T> =>
  promise.catch((error: Error) => {
    throw toTransientError(error) ?? error;
  });

/** MikroORM's driver for SQLite, with errors that `isTransient` recognises. */
export class SqliteDriver extends AbstractSqlDriver<FileConnection, SqlitePlatform> {
  constructor(config: Configuration) {
    super(config, new SqlitePlatform(), FileConnection, ['kysely', 'better-sqlite3']);
  }

  override convertException(error: Error): DriverException {
    return toTransientError(error) ?? super.convertException(error);
  }
}
