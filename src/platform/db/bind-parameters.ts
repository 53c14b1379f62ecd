import { isRaw } from '@mikro-orm/core';
import type { AbstractSqlPlatform } from '@mikro-orm/sql';

/** A statement with values that SQLite binds to its placeholders. */
export interface BoundQuery {
  sql: string;
  parameters: unknown[];
}

/** Larger statements, such as copies of many rows, differ each time. SQLite binds at most 32,766 values. */
const MAX_PARAMETERS = 1_000;

/** A placeholder `?`, a quoted identifier `??`, or the escaped question mark `\?`, as in `Platform.formatQuery`. */
const PLACEHOLDER = /\\\?|\?\??/g;

/**
 * Replaces `Platform.formatQuery` of MikroORM, which writes the values into the text. Values that SQLite cannot bind, such
 * as lists, are still written into it. Statements with equal texts can be prepared once.
 */
export function bindParameters(platform: AbstractSqlPlatform, query: string, values: readonly unknown[]): BoundQuery {
  if (values.length === 0) return { sql: query, parameters: [] };
  if (values.length > MAX_PARAMETERS) return { sql: platform.formatQuery(query, values), parameters: [] };
  const parameters: unknown[] = [];
  let next = 0;
  const sql = query.replace(PLACEHOLDER, (placeholder) => {
    if (placeholder === '\\?') return '?';
    const value = values[next++];
    if (placeholder === '??') return platform.quoteIdentifier(value as string);
    const bound = isRaw(value) ? undefined : toBindable(value);
    if (bound === undefined) return platform.quoteValue(value);
    parameters.push(bound);
    return '?';
  });
  return { sql, parameters };
}

/** Returns undefined for a value that is written into the text. */
function toBindable(value: unknown): string | number | bigint | Uint8Array | undefined {
  switch (typeof value) {
    case 'string':
    case 'bigint':
      return value;
    case 'number':
      // better-sqlite3 binds each number as a floating-point number.
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    default:
      if (value instanceof Date) return BigInt(value.getTime());
      return value instanceof Uint8Array ? value : undefined;
  }
}
