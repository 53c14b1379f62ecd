/** For urql with its normalized cache: `import { createParleyExchanges, useAnswer } from '@parley/client/urql'`. */
import { subscriptionExchange, type Exchange } from '@urql/core';
import {
  cacheExchange,
  type Cache,
  type CacheExchangeOpts,
  type Resolver,
  type UpdateResolver,
} from '@urql/exchange-graphcache';
import { useQuery, useSubscription } from 'urql';
import { CachedApi } from './caches/cached-api.js';
import type { ResultMerger } from './caches/result-merger.js';
import type { ConnectionOptions } from './connection/open-connection.js';
import {
  AnswerStreamDocument,
  MessageDocument,
  MessagePartsFragmentDoc,
  type MessageQuery,
} from './generated/graphql.js';
import type { Session } from './session/session.js';

export interface ParleyExchanges {
  /** Pass these to `new Client({ exchanges })`: the normalized cache, and what sends operations. */
  exchanges: Exchange[];
  /** Closes the connection. */
  close(): void;
}

/**
 * Creates the exchanges of a client: they send operations with the tokens of the session, over HTTP and the connection of
 * its tabs. Results are merged with what is known of their messages, and an `answerStream` makes the cached message grow.
 * The network error of a result is a ParleyError.
 */
export function createParleyExchanges(session: Session, options: ConnectionOptions = {}): ParleyExchanges {
  const api = new CachedApi(session, options);
  const fetching = subscriptionExchange({
    enableAllOperations: true,
    forwardSubscription: (_request, { query, variables }) => ({
      subscribe: (sink) => {
        const request = { document: query, variables: (variables ?? {}) as Record<string, unknown> };
        const unsubscribe = api.run(request, {
          next: (data) => sink.next({ data }),
          error: (error) => sink.error(error),
          complete: () => sink.complete(),
        });
        return { unsubscribe };
      },
    }),
  });
  return { exchanges: [cacheExchange(createCacheConfig(api.merger)), fetching], close: () => api.close() };
}

/** Types without an id, or whose objects are stored with their parents. */
const EMBEDDED_TYPES = [
  'AnswerDelta',
  'AnswerError',
  'AnswerFinished',
  'AskQuestionPayload',
  'AuthPayload',
  'ConversationConnection',
  'ConversationEdge',
  'ConversationMetadata',
  'ConversationUpdate',
  'DataExport',
  'MessageConnection',
  'MessageEdge',
  'PageInfo',
  'ReasoningDelta',
  'SaleStatusCount',
  'SalesDay',
  'SalesReport',
  'SecurityEventConnection',
  'SecurityEventEdge',
  'TermCount',
  'TokenUsage',
  'ToolCallChanged',
  'UsageReport',
];

/** The configuration of Graphcache: keys, lists that are joined from their pages, and answers that grow. */
function createCacheConfig(merger: ResultMerger): CacheExchangeOpts {
  const growAnswer: UpdateResolver = (_result, { answerId }, cache) => {
    const { id, status, content, reasoning } = merger.get(answerId as string) ?? {};
    const known = cache.readFragment(MessagePartsFragmentDoc, { __typename: 'Message', id: answerId as string });
    if (!id || !known) return;
    const grown = { ...known, status, content: content ?? known.content, reasoning: reasoning ?? known.reasoning };
    cache.writeFragment(MessagePartsFragmentDoc, grown as typeof known);
  };
  const readAgain: UpdateResolver = (result, _args, cache) => {
    const { conversation } = Object.values(result)[0] as { conversation: { id: string } };
    invalidateNewest(cache, { __typename: 'Conversation', id: conversation.id }, 'messages');
    invalidateNewest(cache, 'Query', 'conversations');
  };
  return {
    possibleTypes: { AnswerEvent: ['AnswerDelta', 'AnswerFinished', 'ReasoningDelta', 'ToolCallChanged'] },
    // Without an introspected schema, Graphcache tries each fragment of a union and warns about the fields of the others.
    logger: (severity, message) => {
      if (!/Invalid undefined[^]*Inline Fragment on "(Answer|Reasoning)/.test(message)) console[severity](message);
    },
    keys: Object.fromEntries(EMBEDDED_TYPES.map((type) => [type, () => null])),
    resolvers: {
      Query: {
        conversation: (_parent, { id }) => ({ __typename: 'Conversation', id: id as string }),
        message: (_parent, { id }) => ({ __typename: 'Message', id: id as string }),
      },
      Conversation: { messages: joinMessages },
    },
    updates: {
      Mutation: {
        askQuestion: readAgain,
        continueAnswer: readAgain,
        regenerateAnswer: readAgain,
        deleteConversation: (result, _args, cache) => {
          cache.invalidate({ __typename: 'Conversation', id: result['deleteConversation'] as string });
          invalidateNewest(cache, 'Query', 'conversations');
        },
      },
      Subscription: {
        answerStream: growAnswer,
        conversationUpdates: (result, _args, cache) => {
          const { type, conversationId } = result['conversationUpdates'] as { type: string; conversationId: string };
          if (type === 'DELETED') cache.invalidate({ __typename: 'Conversation', id: conversationId });
          else if (conversationId)
            invalidateNewest(cache, { __typename: 'Conversation', id: conversationId }, 'messages');
          invalidateNewest(cache, 'Query', 'conversations');
        },
      },
    },
  };
}

/** Makes the cache read the newest page of a list again. */
function invalidateNewest(cache: Cache, entity: Parameters<Cache['inspectFields']>[0], field: string): void {
  for (const { fieldName, arguments: args } of cache.inspectFields(entity))
    if (fieldName === field && !args?.['after'] && !args?.['before']) cache.invalidate(entity, field, args);
}

/** Joins the pages that are cached by position. An answer and the one that it replaced have the same. */
const joinMessages: Resolver = (parent, _args, cache, info) => {
  const { parentKey: entity, fieldName } = info;
  const edges = new Map<number, { key: string; createdAt: string; page: string }>();
  for (const field of cache.inspectFields(entity)) {
    if (field.fieldName !== fieldName) continue;
    const page = cache.resolve(entity, field.fieldKey) as string | null;
    if (!page) continue;
    for (const key of (cache.resolve(page, 'edges') ?? []) as string[]) {
      const node = cache.resolve(key, 'node') as string;
      const position = cache.resolve(node, 'position') as number;
      const createdAt = cache.resolve(node, 'createdAt') as string;
      const other = edges.get(position);
      if (!other || other.createdAt <= createdAt) edges.set(position, { key, createdAt, page });
    }
  }
  const positions = [...edges.keys()].sort((a, b) => a - b);
  if (positions.length === 0) return parent[fieldName];
  // What is before a gap is left out.
  const start = positions.findLastIndex((position, i) => i > 0 && position !== positions[i - 1]! + 1);
  const joined = positions.slice(Math.max(0, start)).map((position) => edges.get(position)!);
  const readPageInfo = (page: string, field: string) => {
    const info = cache.resolve(page, 'pageInfo') as string | null;
    return (info && cache.resolve(info, field)) ?? null;
  };
  const [first, last] = [joined[0]!.page, joined.at(-1)!.page];
  return {
    __typename: 'MessageConnection',
    edges: joined.map(({ key }) => key),
    pageInfo: {
      __typename: 'PageInfo',
      hasPreviousPage: readPageInfo(first, 'hasPreviousPage') ?? false,
      startCursor: readPageInfo(first, 'startCursor'),
      hasNextPage: readPageInfo(last, 'hasNextPage') ?? false,
      endCursor: readPageInfo(last, 'endCursor'),
    },
  };
};

/** Returns an answer, and follows it while it is generated. Null until it is loaded. */
export function useAnswer(answerId: string): NonNullable<MessageQuery['message']> | null {
  const [{ data }] = useQuery({ query: MessageDocument, variables: { id: answerId } });
  const answer = data?.message ?? null;
  useSubscription({
    query: AnswerStreamDocument,
    variables: { answerId, offset: 0 },
    pause: answer?.status !== 'STREAMING',
  });
  return answer;
}
