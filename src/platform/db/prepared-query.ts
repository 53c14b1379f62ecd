import { BasePostgreSqlPlatform, type AbstractSqlConnection } from '@mikro-orm/sql';
import type { DatabaseConfiguration } from '../config/configuration.js';
import type { EntityManager } from './orm.js';

type Dialect = DatabaseConfiguration['dialect'];

/** A value of a placeholder. A number is an integer. Lists are for one placeholder: see `PreparedQuery`. */
export type QueryValue = string | number | boolean | Date | readonly string[] | null;

/** What a prepared query runs on: an EntityManager, whose transaction it joins, or that of the server for reads. */
export type QueryTarget = Pick<EntityManager, 'getConnection' | 'getDriver' | 'getPlatform' | 'getTransactionContext'>;

/** A connection that runs prepared queries. Each of the two drivers has one. */
export interface PreparingConnection {
  /**
   * @param sql in the connection's own syntax
   * @param text with a `?` for each value, for logs
   * @param tx the transaction of Kysely that the statement is part of, if any
   */
  runPrepared(sql: string, values: readonly QueryValue[], text: string, tx: unknown): Promise<object[]>;
}

/**
 * A statement without MikroORM's query builder and entities, for what requests read and write most. Its text is fixed, so
 * SQLite prepares it once. It has a placeholder `?` for each value. A list is a JSON array on SQLite (`json_each`), and an
 * array on PostgreSQL (`any`, `unnest`). Columns have the types of the driver: see `toDate` and `toBoolean`.
 *
 * On PostgreSQL it has no name: a pooler such as PgBouncer may run each transaction on another connection.
 */
export class PreparedQuery<Values extends readonly QueryValue[], Row extends object> {
  readonly #texts: Record<Dialect, string>;
  readonly #numbered: string;

  /** @param text must not contain `?` except as a placeholder */
  constructor(text: string | Record<Dialect, string>) {
    this.#texts = typeof text === 'string' ? { sqlite: text, postgresql: text } : text;
    let count = 0;
    this.#numbered = this.#texts.postgresql.replaceAll('?', () => `$${(count += 1)}`);
  }

  /** Returns all rows. Errors are those of the ORM. */
  async all(target: QueryTarget, ...values: Values): Promise<Row[]> {
    const connection = target.getConnection() as AbstractSqlConnection & PreparingConnection;
    const isPostgresql = target.getPlatform() instanceof BasePostgreSqlPlatform;
    const text = this.#texts[isPostgresql ? 'postgresql' : 'sqlite'];
    const tx: unknown = target.getTransactionContext();
    try {
      return (await connection.runPrepared(isPostgresql ? this.#numbered : text, values, text, tx)) as Row[];
    } catch (error) {
      throw target.getDriver().convertException(error as Error);
    }
  }

  /** Runs a statement that returns no rows. */
  async run(target: QueryTarget, ...values: Values): Promise<void> {
    await this.all(target, ...values);
  }

  /** Returns the first row, or null. */
  async get(target: QueryTarget, ...values: Values): Promise<Row | null> {
    return (await this.all(target, ...values))[0] ?? null;
  }
}

/** SQLite stores milliseconds; PostgreSQL sends a text. */
export type StoredDate = number | string;

export const toDate = (stored: StoredDate): Date => new Date(stored);

export const toDateOrNull = (stored: StoredDate | null): Date | null => (stored === null ? null : new Date(stored));

/** SQLite stores 0 or 1. */
export type StoredBoolean = 0 | 1 | boolean;

export const toBoolean = (stored: StoredBoolean): boolean => Boolean(stored);
