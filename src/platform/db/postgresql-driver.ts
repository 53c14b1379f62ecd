import type { Configuration, DriverException } from '@mikro-orm/core';
import { PostgreSqlConnection, PostgreSqlPlatform } from '@mikro-orm/postgresql';
import { AbstractSqlDriver } from '@mikro-orm/sql';
import { toTransientError } from './postgresql-errors.js';

class Platform extends PostgreSqlPlatform {
  /** PostgreSQL text cannot contain NUL, which would also end the statement early. Replaced as in `toStorableText`. */
  override escape(value: unknown): string {
    return super.escape(typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value);
  }
}

/** The ORM converts the errors of queries, but not those of `begin` and `commit`, which come from `pg` unchanged. */
class Connection extends PostgreSqlConnection {
  override begin(...args: Parameters<PostgreSqlConnection['begin']>): ReturnType<PostgreSqlConnection['begin']> {
    return convertError(super.begin(...args));
  }

  override commit(...args: Parameters<PostgreSqlConnection['commit']>): Promise<void> {
    return convertError(super.commit(...args));
  }
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
