import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { LRUCache } from 'lru-cache';

const MAX_STATEMENTS = 300;

/** Longer texts are not cached. */
const MAX_TEXT_LENGTH = 10_000;

/** Statements that change the schema are rare, and `pragma` and `explain` must be prepared each time. */
const CACHED = /^\s*(?:select|insert|update|delete|with|begin|commit|rollback)\b/i;

/** Prepares each statement once, as long as its text is one of those used last. */
export class StatementCache implements SqliteDatabase {
  readonly #statements = new LRUCache<string, SqliteStatement>({ max: MAX_STATEMENTS });

  constructor(private readonly database: SqliteDatabase) {}

  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.database.prepare(sql);
    if (sql.length <= MAX_TEXT_LENGTH && CACHED.test(sql)) this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }
}
