import type { Cache, Resolver, UpdateResolver } from '@urql/exchange-graphcache';

/** The field in which the cache keeps the edges of a list, the most recently active first: of all pages that were read. */
const KNOWN_EDGES = 'knownConversationEdges';
/** The field in which the cache keeps the page at the end of a list, which tells whether there are more. */
const LAST_PAGE = 'lastConversationPage';

/** A list is what was read with one `search`. */
const toList = (args: Record<string, unknown>) => ({ search: (args['search'] as string | null | undefined) || null });

/** Remembers the edges of a page: the first page moves on, and no longer has what became inactive. */
export const createRememberConversations = (): UpdateResolver => {
  /** When the first of each list was active, as it was read. All from then to the end of the list are known. */
  const newest = new Map<string | null, string>();
  return (_result, args, cache, { fieldName }) => {
    const page = cache.resolve('Query', fieldName, args) as string | null;
    if (!page) return;
    const list = toList(args);
    const edges = listEdges(cache, page);
    const others = listKnown(cache, list).filter((edge) => !edges.includes(edge));
    const isFirst = args['after'] == null && args['before'] == null;
    const last = edges.at(-1);
    let kept = others;
    if (isFirst) {
      // If more has become active than a page has, others may be missing between.
      const isJoined = last && hasNextPage(cache, page) && getActivity(cache, last)! <= (newest.get(list.search) ?? '');
      // What the page covers and does not contain was deleted, or no longer matches.
      kept = isJoined ? others.filter((edge) => compareActivity(cache, last, edge) < 0) : [];
      newest.set(list.search, (edges[0] && getActivity(cache, edges[0])) ?? '');
    }
    const known = sortByActivity(cache, [...edges, ...kept]);
    cache.link('Query', KNOWN_EDGES, list, known);
    if (isFirst ? kept.length === 0 : !last || last === known.at(-1)) cache.link('Query', LAST_PAGE, list, page);
  };
};

/** Resolves each page to all conversations that are known. */
export const joinConversations: Resolver = (_parent, args, cache, { fieldName }) => {
  const page = cache.resolve('Query', fieldName, args) as string | null | undefined;
  if (!page || listEdges(cache, page).some((edge) => getActivity(cache, edge) === null)) return page;
  const list = toList(args);
  const edges = sortByActivity(cache, listKnown(cache, list));
  const lastPage = cache.resolve('Query', LAST_PAGE, list) as string | null | undefined;
  const [first, last] = [edges[0], edges.at(-1)];
  return {
    __typename: 'ConversationConnection',
    edges,
    pageInfo: {
      __typename: 'PageInfo',
      hasPreviousPage: false,
      startCursor: first ? (cache.resolve(first, 'cursor') ?? null) : null,
      hasNextPage: hasNextPage(cache, lastPage ?? page),
      endCursor: last ? (cache.resolve(last, 'cursor') ?? null) : null,
    },
  };
};

/** Takes a deleted conversation out of all lists. @param conversation its key */
export function removeFromLists(cache: Cache, conversation: string): void {
  for (const { fieldName, arguments: args } of cache.inspectFields('Query'))
    if (fieldName === KNOWN_EDGES) {
      const others = listKnown(cache, toList(args ?? {})).filter(
        (edge) => cache.resolve(edge, 'node') !== conversation,
      );
      cache.link('Query', KNOWN_EDGES, toList(args ?? {}), others);
    }
}

const listKnown = (cache: Cache, list: { search: string | null }): string[] =>
  (cache.resolve('Query', KNOWN_EDGES, list) ?? []) as string[];

const listEdges = (cache: Cache, page: string): string[] => (cache.resolve(page, 'edges') ?? []) as string[];

function hasNextPage(cache: Cache, page: string): boolean {
  const pageInfo = cache.resolve(page, 'pageInfo') as string | null | undefined;
  return (pageInfo && (cache.resolve(pageInfo, 'hasNextPage') as boolean | null)) || false;
}

/** Returns when a conversation was active, or null if the operation does not select it. */
function getActivity(cache: Cache, edge: string): string | null {
  const node = cache.resolve(edge, 'node') as string | null | undefined;
  const updatedAt = node ? cache.resolve(node, 'updatedAt') : null;
  return typeof updatedAt === 'string' ? updatedAt : null;
}

/** The last read of a conversation may be newer than that of its list, so the order may change. */
const sortByActivity = (cache: Cache, edges: readonly string[]): string[] =>
  edges.toSorted((a, b) => compareActivity(cache, a, b));

const compareActivity = (cache: Cache, a: string, b: string): number =>
  (getActivity(cache, b) ?? '').localeCompare(getActivity(cache, a) ?? '') || b.localeCompare(a);
