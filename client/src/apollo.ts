/** For Apollo Client 4: `import { createParleyLink, useAnswer } from '@parley/client/apollo'`. */
import {
  ApolloLink,
  type ApolloCache,
  type ApolloClient,
  Observable,
  type FieldMergeFunction,
  type FieldReadFunction,
  type Reference,
  type TypePolicies,
} from '@apollo/client';
import { useFragment, useSubscription } from '@apollo/client/react';
import { CachedApi, type Data } from './caches/cached-api.js';
import { toGrownParts } from './caches/grown-message.js';
import type { MergeableMessage } from './chat/merge-message.js';
import type { ConnectionOptions } from './connection/open-connection.js';
import { AnswerStreamDocument, MessagePartsFragmentDoc, type MessagePartsFragment } from './generated/graphql.js';
import type { Session } from './session/session.js';

interface Edge {
  cursor: string;
  node: Reference;
}

interface PageInfo {
  hasNextPage?: boolean;
  hasPreviousPage?: boolean;
  startCursor?: string | null;
  endCursor?: string | null;
}

interface Connection {
  edges: readonly Edge[];
  pageInfo?: PageInfo;
  /** Of a list of conversations: when the first was active, as it was read. All from then to the end are known. */
  newest?: string;
}

type ReadField = Parameters<FieldMergeFunction<Connection>>[2]['readField'];

/**
 * A terminating link: sends operations with the tokens of the session, over HTTP and the connection of its tabs. Results
 * are merged with what is known of their messages, and an `answerStream` makes the cached message grow. Errors are
 * ParleyErrors. `close()` closes the connection.
 */
export class ParleyLink extends ApolloLink {
  readonly #api: CachedApi;

  constructor(session: Session, options: ConnectionOptions = {}) {
    super();
    this.#api = new CachedApi(session, options);
  }

  override request(operation: ApolloLink.Operation): Observable<ApolloLink.Result> {
    const { query: document, variables, client } = operation;
    const grow = (message: MergeableMessage) => {
      const { cache } = client;
      cache.batch({
        update: () => {
          for (const { fragment, data } of toGrownParts(message))
            cache.writeFragment({ id: cache.identify({ __typename: data.__typename, id: data.id }), fragment, data });
        },
      });
    };
    return new Observable((observer) =>
      this.#api.run(
        { document, variables },
        {
          next: (data) => {
            const deletedId = findDeleted(data);
            if (deletedId !== null) removeConversation(client.cache, deletedId);
            observer.next({ data });
          },
          error: (error) => observer.error(error),
          complete: () => observer.complete(),
        },
        grow,
      ),
    );
  }

  close(): void {
    this.#api.close();
  }
}

export const createParleyLink = (session: Session, options?: ConnectionOptions): ParleyLink =>
  new ParleyLink(session, options);

/** Options of a client: a list that is read again is merged, not replaced, so that its further pages stay. */
export const defaultOptions: ApolloClient.DefaultOptions = { watchQuery: { refetchWritePolicy: 'merge' } };

/** Type policies: lists that survive when a part of them is read again. */
export const typePolicies: TypePolicies = {
  Conversation: {
    fields: {
      messages: {
        keyArgs: false,
        merge: ((existing, incoming, { readField }) =>
          mergeMessages(existing, incoming, readField)) as FieldMergeFunction<Connection>,
      },
    },
  },
  Query: {
    fields: {
      conversations: {
        keyArgs: ['search'],
        merge: ((existing, incoming, { readField, args }) =>
          mergeConversations(existing, incoming, readField, !args?.['after'])) as FieldMergeFunction<Connection>,
        read: ((existing, { readField, canRead }) =>
          existing && {
            ...existing,
            edges: existing.edges
              .filter(({ node }) => canRead(node))
              .toSorted((a, b) => compareActivity(readField, a, b)),
          }) as FieldReadFunction<Connection>,
      },
    },
  },
};

/** Returns the id of the conversation that was deleted, according to a result. */
function findDeleted({ deleteConversation, conversationUpdates }: Data): string | null {
  if (typeof deleteConversation === 'string') return deleteConversation;
  const { type, conversationId } = (conversationUpdates ?? {}) as { type?: string; conversationId?: string };
  return type === 'DELETED' && conversationId ? conversationId : null;
}

/** Makes a conversation null. The lists leave out what the cache does not have. */
function removeConversation(cache: ApolloCache, id: string): void {
  cache.batch({
    update: () => {
      cache.modify<{ conversation: Reference | null }>({
        fields: {
          conversation: (value, { readField }) => (readField('id', value ?? undefined) === id ? null : value),
        },
      });
      cache.evict({ id: cache.identify({ __typename: 'Conversation', id }) });
    },
  });
}

/** Merges by position. An answer and the one that it replaced have the same. */
function mergeMessages(existing: Connection | undefined, incoming: Connection, readField: ReadField): Connection {
  const read = ({ node }: Edge) => ({
    position: readField<number>('position', node) ?? 0,
    createdAt: readField<string>('createdAt', node) ?? '',
  });
  const byPosition = new Map<number, Edge>();
  for (const edge of [...(existing?.edges ?? []), ...incoming.edges]) {
    const { position, createdAt } = read(edge);
    const other = byPosition.get(position);
    if (!other || read(other).createdAt <= createdAt) byPosition.set(position, edge);
  }
  const positions = [...byPosition.keys()].sort((a, b) => a - b);
  // What is before a gap is forgotten.
  const start = positions.findLastIndex((position, i) => i > 0 && position !== positions[i - 1]! + 1);
  const edges = positions.slice(Math.max(0, start)).map((position) => byPosition.get(position)!);
  const startsWith = ({ edges: [first] }: Connection) => first?.node.__ref === edges[0]?.node.__ref;
  const endsWith = ({ edges: page }: Connection) => page.at(-1)?.node.__ref === edges.at(-1)?.node.__ref;
  const first = startsWith(incoming) ? incoming.pageInfo : existing?.pageInfo;
  const last = endsWith(incoming) ? incoming.pageInfo : existing?.pageInfo;
  return {
    ...incoming,
    edges,
    pageInfo: {
      ...incoming.pageInfo,
      hasPreviousPage: first?.hasPreviousPage ?? false,
      startCursor: first?.startCursor ?? edges[0]?.cursor ?? null,
      hasNextPage: last?.hasNextPage ?? false,
      endCursor: last?.endCursor ?? edges.at(-1)?.cursor ?? null,
    },
  };
}

/**
 * Merges by id. What the first page covers and does not contain was deleted. What is beyond is kept, unless others may be
 * missing between: when more has become active than a page has.
 */
function mergeConversations(
  existing: Connection | undefined,
  incoming: Connection,
  readField: ReadField,
  isFirstPage: boolean,
): Connection {
  const [first] = incoming.edges;
  const newest = (first && readField<string>('updatedAt', first.node)) ?? '';
  if (!existing) return { ...incoming, newest };
  const refs = new Set(incoming.edges.map(({ node }) => node.__ref));
  const others = existing.edges.filter(({ node }) => !refs.has(node.__ref));
  if (!isFirstPage) return { ...incoming, edges: [...others, ...incoming.edges], newest: existing.newest };
  const last = incoming.edges.at(-1);
  const end = last && (readField<string>('updatedAt', last.node) ?? '');
  const isJoined = end !== undefined && end <= (existing.newest ?? '') && incoming.pageInfo?.hasNextPage === true;
  const beyond = isJoined ? others.filter((edge) => compareActivity(readField, last!, edge) < 0) : [];
  return {
    ...incoming,
    newest,
    edges: [...incoming.edges, ...beyond],
    ...(beyond.length > 0 && { pageInfo: existing.pageInfo }),
  };
}

const compareActivity = (readField: ReadField, a: Edge, b: Edge): number =>
  (readField<string>('updatedAt', b.node) ?? '').localeCompare(readField<string>('updatedAt', a.node) ?? '');

/** Returns a cached answer, and follows it while it is generated. Null until the cache has it. */
export function useAnswer(answerId: string): MessagePartsFragment | null {
  const { data, complete } = useFragment({
    fragment: MessagePartsFragmentDoc,
    fragmentName: 'MessageParts',
    from: { __typename: 'Message', id: answerId },
  });
  const answer = complete ? data : null;
  useSubscription(AnswerStreamDocument, {
    variables: { answerId, offset: 0 },
    skip: answer?.status !== 'STREAMING',
    ignoreResults: true,
  });
  return answer;
}
