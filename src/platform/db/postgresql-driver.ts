import type { Configuration, DriverException } from '@mikro-orm/core';
import { PostgreSqlConnection, PostgreSqlPlatform } from '@mikro-orm/postgresql';
import { AbstractSqlDriver } from '@mikro-orm/sql';
import { passingError } from './postgresql-errors.js';

class Platform extends PostgreSqlPlatform {
  /** No text of PostgreSQL's can hold a NUL, which would end the statement half-way: it is replaced, as in answers. */
  override escape(value: unknown): string {
    return super.escape(typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value);
  }
}

/** The ORM converts the errors of queries; those of a transaction's begin and end come out of `pg` as they are. */
class Connection extends PostgreSqlConnection {
  override begin(...args: Parameters<PostgreSqlConnection['begin']>): ReturnType<PostgreSqlConnection['begin']> {
    return converted(super.begin(...args));
  }

  override commit(...args: Parameters<PostgreSqlConnection['commit']>): Promise<void> {
    return converted(super.commit(...args));
  }
}

const converted = <T>(promise: Promise<T>): Promise<T> =>
  promise.catch((error: Error) => {
    throw passingError(error) ?? error;
  });

/** MikroORM's driver for PostgreSQL, whose errors tell what passes by itself. */
export class PostgreSqlDriver extends AbstractSqlDriver<Connection, Platform> {
  constructor(config: Configuration) {
    super(config, new Platform(), Connection, ['kysely', 'pg']);
  }

  override convertException(error: Error): DriverException {
    return passingError(error) ?? super.convertException(error);
  }
}
