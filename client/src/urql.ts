/** For urql with its normalized cache: `import { createParleyExchanges, useAnswer } from '@parley/client/urql'`. */
import { gql, subscriptionExchange, type Exchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { useQuery, useSubscription } from 'urql';
import { CachedApi } from './caches/cached-api.js';
import type { ConnectionOptions } from './connection/open-connection.js';
import { AnswerStreamDocument, MessagePartsFragmentDoc, type MessagePartsFragment } from './generated/graphql.js';
import type { Session } from './session/session.js';
import type { TypedDocumentNode } from './typed-document-node.js';
import { ActiveQueries } from './urql/active-queries.js';
import { createCacheConfig } from './urql/cache-config.js';

export interface ParleyExchanges {
  /** Pass these to `new Client({ exchanges })`: the normalized cache, and what sends operations. */
  exchanges: Exchange[];
  /** Closes the connection. */
  close(): void;
}

/**
 * Creates the exchanges of a client: they send operations with the tokens of the session, over HTTP and the connection of
 * its tabs. Results are merged with what is known of their messages, and an `answerStream` makes the cached message grow.
 * Queries that are shown are read again when a mutation or `conversationUpdates` changes what they list. The network error
 * of a result is a ParleyError.
 */
export function createParleyExchanges(session: Session, options: ConnectionOptions = {}): ParleyExchanges {
  const api = new CachedApi(session, options);
  const queries = new ActiveQueries();
  const fetching = subscriptionExchange({
    enableAllOperations: true,
    forwardSubscription: (_request, { kind, key, query: document, variables }) => ({
      subscribe: (sink) => {
        const read = kind === 'query' ? queries.begin(key) : null;
        const deliver = (send: () => void) => {
          if (read?.isNewest() ?? true) send();
        };
        const complete = () => {
          sink.complete();
          read?.end();
        };
        const request = { document, variables: (variables ?? {}) as Record<string, unknown> };
        const stop = api.run(request, {
          next: (data) => deliver(() => sink.next({ data })),
          error: (error) => {
            deliver(() => sink.error(error));
            complete();
          },
          complete,
        });
        const unsubscribe = () => {
          stop();
          read?.end();
        };
        return { unsubscribe };
      },
    }),
  });
  const exchanges = [queries.exchange, cacheExchange(createCacheConfig(api.merger, queries)), fetching];
  return { exchanges, close: () => api.close() };
}

/** Is not sent: it reads the cache. */
const CachedAnswerDocument: TypedDocumentNode<{ message: MessagePartsFragment | null }, { id: string }> = gql`
  query CachedAnswer($id: ID!) {
    message(id: $id) {
      ...MessageParts
    }
  }
  ${MessagePartsFragmentDoc}
`;

/** Returns a cached answer, and follows it while it is generated. Null until the cache has it. */
export function useAnswer(answerId: string): MessagePartsFragment | null {
  const [{ data }] = useQuery({
    query: CachedAnswerDocument,
    variables: { id: answerId },
    requestPolicy: 'cache-only',
  });
  const answer = data?.message ?? null;
  useSubscription({
    query: AnswerStreamDocument,
    variables: { answerId, offset: 0 },
    pause: answer?.status !== 'STREAMING',
  });
  return answer;
}
