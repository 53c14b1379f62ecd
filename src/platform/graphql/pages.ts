import type { EntityName, FilterQuery, QueryOrderMap } from '@mikro-orm/core';
import { ArgsType, Field, Int, ObjectType, type ClassType } from 'type-graphql';
import type { EntityManager } from '../db/database.js';
import { isId } from '../db/ids.js';
import { BadUserInputError } from '../errors/api-error.js';

const MOST = 100;

@ObjectType({ description: 'Where a page lies in the whole list, as in GraphQL Cursor Connections.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether more follow.' })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether more come before.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "The first edge's cursor; null for an empty page." })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: "The last edge's cursor; null for an empty page." })
  endCursor!: string | null;
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true, description: `The first so many, 1 to ${MOST}.` })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what comes after this cursor.' })
  after?: string | null;

  @Field(() => Int, { nullable: true, description: `The last so many, 1 to ${MOST}.` })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what comes before this cursor.' })
  before?: string | null;
}

/** What a connection's type is made from. */
export interface Page<T> {
  edges: { cursor: string; node: T }[];
  pageInfo: PageInfo;
  /** Asks the database only when it is called. */
  countAll: () => Promise<number>;
}

/** The types `{name}Edge` and `{name}Connection` of GraphQL Cursor Connections. */
export function connectionOf<T extends object>(name: string, Node: ClassType<T>) {
  @ObjectType(`${name}Edge`, { description: 'One place in the list.' })
  class Edge {
    @Field(() => String, { description: 'Opaque; for `after` and `before`.' })
    cursor!: string;

    @Field(() => Node, { description: 'What is there.' })
    node!: T;
  }

  @ObjectType(`${name}Connection`, { description: 'A page of the list.' })
  class Connection {
    constructor(readonly page: Page<T>) {}

    @Field(() => [Edge], { description: "The page's rows with their cursors." })
    get edges(): Edge[] {
      return this.page.edges;
    }

    @Field(() => [Node], { description: "The page's rows." })
    get nodes(): T[] {
      return this.page.edges.map(({ node }) => node);
    }

    @Field(() => PageInfo, { description: 'Where the page lies in the whole list.' })
    get pageInfo(): PageInfo {
      return this.page.pageInfo;
    }

    @Field(() => Int, { description: 'How many there are in all; counted only when it is asked for.' })
    totalCount(): Promise<number> {
      return this.page.countAll();
    }
  }
  return Connection;
}

/** What a cursor holds for each column of the order. */
type CursorPart = 'integer' | 'date' | 'id';

/** Who reads: an operation, with its budget of rows. */
export interface Reader {
  em: EntityManager;
  /** @throws QueryTooComplexError when the budget is spent */
  spend: (rows: number) => void;
}

export interface PageQuery<T extends object> {
  entity: EntityName<T>;
  /** Made anew for each query: fragments of SQL are good for one. */
  where: () => FilterQuery<NoInfer<T>>;
  /** Must end in something unique, so that a page's border is exact. */
  orderBy: QueryOrderMap<T>;
  cursor: readonly CursorPart[];
  /** Which end is given, and how much of it, where the arguments don't say. */
  otherwise: { first: number } | { last: number };
}

/**
 * Finds a page by its keys, never by counting rows, so that it is stable while rows arrive.
 * @throws BadUserInputError for a size that is none, a cursor that is none, or both ends at once.
 */
export async function findPage<T extends object>(
  { em, spend }: Reader,
  args: PageArgs,
  query: PageQuery<T>,
): Promise<Page<T>> {
  const range = rangeOf(args, query);
  spend(range.first ?? range.last);
  const cursor = await em.findByCursor<T, never, never, never, false>(query.entity, {
    ...range,
    where: query.where(),
    orderBy: query.orderBy,
    includeCount: false,
  });
  return {
    edges: cursor.items.map((node) => ({ cursor: cursor.from(node), node: node })),
    pageInfo: {
      hasNextPage: cursor.hasNextPage,
      hasPreviousPage: cursor.hasPrevPage,
      startCursor: cursor.startCursor,
      endCursor: cursor.endCursor,
    },
    countAll: () => em.count(query.entity, query.where()),
  };
}

type Range =
  | { first: number; after?: string; last?: undefined; before?: undefined }
  | { last: number; before?: string; first?: undefined; after?: undefined };

function rangeOf<T extends object>(
  { first, after, last, before }: PageArgs,
  { cursor, otherwise }: PageQuery<T>,
): Range {
  const mistakes: Record<string, string> = {};
  const isSize = (n: number | null | undefined) => n == null || (n >= 1 && n <= MOST);
  if (!isSize(first)) mistakes['first'] = `Give 1 to ${MOST}.`;
  if (!isSize(last)) mistakes['last'] = `Give 1 to ${MOST}.`;
  if ((first ?? after) != null && (last ?? before) != null) {
    mistakes['last'] = 'Give `first` and `after`, or `last` and `before`, not both.';
  }
  if (after != null && !isCursor(after, cursor)) mistakes['after'] = 'This is no cursor of this list.';
  if (before != null && !isCursor(before, cursor)) mistakes['before'] = 'This is no cursor of this list.';
  if (Object.keys(mistakes).length > 0) throw new BadUserInputError(mistakes);

  const most = 'first' in otherwise ? otherwise.first : otherwise.last;
  const fromTheEnd = last != null || before != null || (first == null && after == null && 'last' in otherwise);
  return fromTheEnd
    ? { last: last ?? most, before: before ?? undefined }
    : { first: first ?? most, after: after ?? undefined };
}

/** Cursors come from outside, and the ORM would take an object in one for an operator. */
function isCursor(text: string, parts: readonly CursorPart[]): boolean {
  try {
    const values: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(values) && values.length === parts.length && parts.every((part, i) => FITS[part](values[i]));
  } catch {
    return false;
  }
}

const FITS: Record<CursorPart, (value: unknown) => boolean> = {
  integer: (value) => Number.isSafeInteger(value),
  date: (value) =>
    typeof value === 'string' && /^(?!0000)\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) && !Number.isNaN(Date.parse(value)),
  id: (value) => typeof value === 'string' && isId(value),
};
