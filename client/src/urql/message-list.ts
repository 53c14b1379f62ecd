import type { Cache, Resolver, UpdateResolver } from '@urql/exchange-graphcache';

/** The field in which the cache keeps the edges of all pages that were read. */
const KNOWN_EDGES = 'knownMessageEdges';

/** Remembers the edges of a page: a page that is read again may no longer have the earlier ones. */
export const rememberMessages: UpdateResolver = (_result, _args, cache, { parentKey }) => {
  cache.link(parentKey, KNOWN_EDGES, joinEdges(cache, parentKey));
};

/** Resolves each page to all messages that are known. */
export const joinMessages: Resolver = (_parent, args, cache, { parentKey, fieldName }) => {
  const page = cache.resolve(parentKey, fieldName, args) as string | null | undefined;
  if (!page || listEdges(cache, page).some((edge) => findPlace(cache, edge) === null)) return page;
  const edges = joinEdges(cache, parentKey);
  const [first, last] = [edges[0], edges.at(-1)];
  if (!first || !last) return page;
  return {
    __typename: 'MessageConnection',
    edges,
    pageInfo: {
      __typename: 'PageInfo',
      hasPreviousPage: findPlace(cache, first)!.position > 0,
      startCursor: cache.resolve(first, 'cursor') ?? null,
      hasNextPage: hasNextPage(cache, parentKey, last),
      endCursor: cache.resolve(last, 'cursor') ?? null,
    },
  };
};

/** Joins all pages by position. An answer and the one that it replaced have the same. */
function joinEdges(cache: Cache, entity: string): string[] {
  const known = (cache.resolve(entity, KNOWN_EDGES) ?? []) as string[];
  const places = new Map<number, { edge: string; createdAt: string }>();
  for (const edge of [...known, ...listPages(cache, entity).flatMap((page) => listEdges(cache, page))]) {
    const place = findPlace(cache, edge);
    if (!place) continue;
    const { position, createdAt } = place;
    const other = places.get(position);
    if (!other || other.createdAt <= createdAt) places.set(position, { edge, createdAt });
  }
  const positions = [...places.keys()].sort((a, b) => a - b);
  // What is before a gap is left out.
  const start = positions.findLastIndex((position, i) => i > 0 && position !== positions[i - 1]! + 1);
  return positions.slice(Math.max(0, start)).map((position) => places.get(position)!.edge);
}

const listPages = (cache: Cache, entity: string): string[] =>
  cache
    .inspectFields(entity)
    .filter(({ fieldName }) => fieldName === 'messages')
    .map(({ fieldKey }) => cache.resolve(entity, fieldKey) as string | null)
    .filter((page) => page !== null && page !== undefined);

const listEdges = (cache: Cache, page: string): string[] => (cache.resolve(page, 'edges') ?? []) as string[];

/** Returns where a message belongs, or null if the operation does not select it. */
function findPlace(cache: Cache, edge: string): { position: number; createdAt: string } | null {
  const node = cache.resolve(edge, 'node') as string | null | undefined;
  const position = node ? cache.resolve(node, 'position') : null;
  const createdAt = node ? cache.resolve(node, 'createdAt') : null;
  return typeof position === 'number' && typeof createdAt === 'string' ? { position, createdAt } : null;
}

function hasNextPage(cache: Cache, entity: string, last: string): boolean {
  const page = listPages(cache, entity).find((page) => listEdges(cache, page).at(-1) === last);
  const pageInfo = page && (cache.resolve(page, 'pageInfo') as string | null);
  return (pageInfo && (cache.resolve(pageInfo, 'hasNextPage') as boolean | null)) || false;
}
