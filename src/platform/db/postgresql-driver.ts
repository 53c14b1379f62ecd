import type { Configuration, DriverException, EntityData } from '@mikro-orm/core';
import { PostgreSqlConnection, PostgreSqlPlatform } from '@mikro-orm/postgresql';
import { AbstractSqlDriver } from '@mikro-orm/sql';
import { CompiledQuery, type Kysely } from 'kysely';
import { toTransientError } from './postgresql-errors.js';
import type { PreparingConnection, QueryValue } from './prepared-query.js';

class Platform extends PostgreSqlPlatform {
  /** PostgreSQL text cannot contain NUL, which would also end the statement early. Replaced as in `toStorableText`. */
  override escape(value: unknown): string {
    return super.escape(typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value);
  }
}

/** The ORM converts the errors of queries, but not those of `begin` and `commit`, which come from `pg` unchanged. */
class Connection extends PostgreSqlConnection implements PreparingConnection {
  async runPrepared(
    sql: string,
    values: readonly QueryValue[],
    text: string,
    tx: unknown,
  ): Promise<EntityData<object>[]> {
    await this.ensureConnection();
    const client = (tx as Kysely<unknown> | undefined) ?? this.getClient<unknown>();
    const bound = values.map(toBound);
    return await this.executeQuery(
      text,
      async () => (await client.executeQuery(CompiledQuery.raw(sql, bound))).rows as EntityData<object>[],
      { query: text, params: bound },
    );
  }

  override begin(...args: Parameters<PostgreSqlConnection['begin']>): ReturnType<PostgreSqlConnection['begin']> {
    return convertError(super.begin(...args));
  }

  override commit(...args: Parameters<PostgreSqlConnection['commit']>): Promise<void> {
    return convertError(super.commit(...args));
  }
}

/** A list is written as an array literal, so that a logged statement can be run again. */
function toBound(value: QueryValue): string | number | boolean | Date | null {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD');
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return `{${value.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

const convertError = <T>(promise: Promise<T>): Promise<T> =>
  promise.catch((error: Error) => {
    throw toTransientError(error) ?? error;
  });

/** MikroORM's driver for PostgreSQL, with errors that `isTransient` recognises. */
export class PostgreSqlDriver extends AbstractSqlDriver<Connection, Platform> {
  constructor(config: Configuration) {
    super(config, new Platform(), Connection, ['kysely', 'pg']);
  }

  override convertException(error: Error): DriverException {
    return toTransientError(error) ?? super.convertException(error);
  }
}
