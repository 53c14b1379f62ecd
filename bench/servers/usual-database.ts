import { MikroORM } from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import type { AbstractSqlDriver } from '@mikro-orm/sql';
import { SqliteDriver } from '@mikro-orm/sqlite';
import type Database from 'better-sqlite3';
import { entities } from '../../src/entities.js';
import type { Orm } from '../../src/platform/db/orm.js';
import { toSearchWords } from '../../src/platform/db/search-words.js';

/** Opens the database with the drivers of MikroORM as they are. */
export async function openUsualDatabase(url: string): Promise<Orm> {
  const options = { entities, metadataProvider: ReflectMetadataProvider, forceUtcTimezone: true };
  if (!url.startsWith('sqlite:'))
    return await MikroORM.init<AbstractSqlDriver>({ ...options, driver: PostgreSqlDriver, clientUrl: url });
  const dbName = url.slice('sqlite:'.length);
  const orm = await MikroORM.init<AbstractSqlDriver>({ ...options, driver: SqliteDriver, dbName });
  const sqlite = (await orm.em.getConnection().getNativeClient()) as Database.Database;
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = NORMAL');
  sqlite.pragma('secure_delete = ON');
  sqlite.function('search_words', { deterministic: true }, (text) => toSearchWords(text as string).join(' '));
  return orm;
}
