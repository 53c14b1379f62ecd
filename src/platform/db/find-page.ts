import { Cursor, type EntityName, type FilterQuery, type QueryOrderMap } from '@mikro-orm/core';
import { BadUserInputError } from '../errors/api-error.js';
import { isId } from './ids.js';
import type { EntityManager } from './orm.js';
import type { QueryTarget } from './prepared-query.js';
import { isStorableText } from './storable-text.js';

export const MAX_PAGE_SIZE = 100;

/** The requested page: `first` items after a cursor, or `last` items before one. */
export interface PageRequest {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
}

/** An item of a list with its cursor. */
export interface Edge<T> {
  cursor: string;
  node: T;
}

export interface Page<T> {
  nodes: readonly T[];
  edges: Edge<T>[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  /** Queries the database when it is called. */
  countAll: () => Promise<number>;
}

/** The type of a cursor's value for a column of the order. */
export type CursorPart = 'integer' | 'date' | 'id' | 'text';

/** What an operation reads lists with. */
export interface Reader {
  /** For prepared queries. */
  db: QueryTarget;
  readonly em: EntityManager;
  /** Takes rows from the operation's budget. @throws QueryTooComplexError when it is exceeded */
  spend: (rows: number) => void;
}

/** A list of entities in an order. */
export interface ListOrder<T extends object> {
  entity: EntityName<T>;
  /** Must end with a unique column, so that cursors are unambiguous. */
  orderBy: QueryOrderMap<T>;
  cursor: readonly CursorPart[];
}

export interface PageQuery<T extends object> extends ListOrder<T> {
  /** Called for each query, because MikroORM allows a raw SQL fragment in one query only. */
  where: () => FilterQuery<NoInfer<T>>;
  /** The page that is returned when the request sets neither `first` nor `last`. */
  defaultPage: { first: number } | { last: number };
}

/**
 * Finds a page by keys, not by offset, so that pages are stable while rows are added.
 * @throws BadUserInputError for an invalid size or cursor, and for `first` combined with `last`
 */
export async function findPage<T extends object>(
  { em, spend }: Pick<Reader, 'em' | 'spend'>,
  request: PageRequest,
  query: PageQuery<T>,
): Promise<Page<T>> {
  const range = readRange(request, query);
  spend(range.first ?? range.last);
  const cursor = await em.findByCursor<T, never, never, never, false>(query.entity, {
    ...range,
    where: query.where(),
    orderBy: query.orderBy,
    includeCount: false,
  });
  return {
    nodes: cursor.items,
    edges: cursor.items.map((node) => toEdge(em, query, node)),
    pageInfo: {
      hasNextPage: cursor.hasNextPage,
      hasPreviousPage: cursor.hasPrevPage,
      startCursor: cursor.startCursor,
      endCursor: cursor.endCursor,
    },
    countAll: () => em.count(query.entity, query.where()),
  };
}

/** Returns the edge that a page of the list would contain for this item. */
export const toEdge = <T extends object>(em: EntityManager, { entity, orderBy }: ListOrder<T>, node: T): Edge<T> => ({
  cursor: Cursor.for(em.getMetadata().get<T>(entity), node, orderBy),
  node,
});

export type Range =
  | { first: number; after?: string; last?: undefined; before?: undefined }
  | { last: number; before?: string; first?: undefined; after?: undefined };

/** @throws BadUserInputError as `findPage` does */
export function readRange(
  { first, after, last, before }: PageRequest,
  { cursor, defaultPage }: Pick<PageQuery<object>, 'cursor' | 'defaultPage'>,
): Range {
  const errors: Record<string, string> = {};
  const isSize = (n: number | null | undefined) => n == null || (n >= 1 && n <= MAX_PAGE_SIZE);
  if (!isSize(first)) errors['first'] = `Must be between 1 and ${MAX_PAGE_SIZE}.`;
  if (!isSize(last)) errors['last'] = `Must be between 1 and ${MAX_PAGE_SIZE}.`;
  if ((first ?? after) != null && (last ?? before) != null) {
    errors['last'] = 'Use either `first` and `after`, or `last` and `before`.';
  }
  if (after != null && !isCursor(after, cursor)) errors['after'] = 'Invalid cursor.';
  if (before != null && !isCursor(before, cursor)) errors['before'] = 'Invalid cursor.';
  if (Object.keys(errors).length > 0) throw new BadUserInputError(errors);

  const defaultSize = 'first' in defaultPage ? defaultPage.first : defaultPage.last;
  const isFromEnd = last != null || before != null || (first == null && after == null && 'last' in defaultPage);
  return isFromEnd
    ? { last: last ?? defaultSize, before: before ?? undefined }
    : { first: first ?? defaultSize, after: after ?? undefined };
}

/** Cursors are untrusted, and the ORM would interpret an object in one as an operator. */
function isCursor(text: string, parts: readonly CursorPart[]): boolean {
  try {
    const values: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return (
      Array.isArray(values) &&
      values.length === parts.length &&
      parts.every((part, i) => IS_CURSOR_PART[part](values[i]))
    );
  } catch {
    return false;
  }
}

const IS_CURSOR_PART: Record<CursorPart, (value: unknown) => boolean> = {
  integer: (value) => Number.isSafeInteger(value),
  date: (value) =>
    typeof value === 'string' && /^(?!0000)\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) && !Number.isNaN(Date.parse(value)),
  text: (value) => typeof value === 'string' && isStorableText(value),
  id: (value) => typeof value === 'string' && isId(value),
};
