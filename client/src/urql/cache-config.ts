import type { Cache, CacheExchangeOpts, KeyGenerator, Resolver, UpdateResolver } from '@urql/exchange-graphcache';
import { toGrownParts } from '../caches/grown-message.js';
import type { ResultMerger } from '../caches/result-merger.js';
import type { ActiveQueries } from './active-queries.js';
import { createRememberConversations, joinConversations, removeFromLists } from './conversation-list.js';
import { EMBEDDED_TYPES } from './embedded-types.js';
import { joinMessages, rememberMessages } from './message-list.js';

/** Creates the configuration of Graphcache: keys, lists that are joined from their pages, and answers that grow. */
export function createCacheConfig(merger: ResultMerger, queries: ActiveQueries): CacheExchangeOpts {
  const growAnswer: UpdateResolver = (_result, { answerId }, cache) => {
    const message = merger.get(answerId as string);
    if (!message) return;
    for (const { fragment, data } of toGrownParts(message)) cache.writeFragment(fragment, data);
  };
  const readAgain: UpdateResolver = (result) => {
    const { conversation } = Object.values(result)[0] as { conversation: { id: string } };
    queries.refresh(conversation.id);
  };
  const remove = (cache: Cache, id: string) => {
    removeConversation(cache, id);
    queries.refresh(id);
  };
  return {
    possibleTypes: {
      AnswerEvent: ['AnswerDelta', 'AnswerFinished', 'ProductShown', 'ReasoningDelta', 'ToolCallChanged'],
    },
    // Without an introspected schema, Graphcache tries each fragment of a union and warns about the fields of the others.
    logger: (severity, message) => {
      if (
        severity !== 'debug' &&
        !/Invalid undefined[^]*Inline Fragment on "(Answer|Product|Reasoning|Tool)/.test(message)
      )
        console[severity](message);
    },
    keys: {
      ...Object.fromEntries(EMBEDDED_TYPES.map((type) => [type, () => null])),
      ConversationEdge: getNodeId,
      MessageEdge: getNodeId,
    },
    resolvers: {
      Query: {
        conversation: findById('Conversation'),
        conversations: joinConversations,
        message: findById('Message'),
      },
      Conversation: { messages: joinMessages },
    },
    updates: {
      Conversation: { messages: rememberMessages },
      Query: { conversations: createRememberConversations() },
      Mutation: {
        askQuestion: readAgain,
        continueAnswer: readAgain,
        regenerateAnswer: readAgain,
        deleteConversation: (result, _args, cache) => remove(cache, result['deleteConversation'] as string),
      },
      Subscription: {
        answerStream: growAnswer,
        conversationUpdates: (result, _args, cache) => {
          const { type, conversationId } = result['conversationUpdates'] as ConversationUpdate;
          // Changes before READY were missed.
          if (type === 'READY') queries.refresh(null);
          else if (type === 'DELETED') remove(cache, conversationId);
          else queries.refresh(conversationId);
        },
      },
    },
  };
}

const getNodeId: KeyGenerator = ({ node }) => (node as { id?: string } | undefined)?.id ?? null;

/** Finds what another query has read. Null, once the server or an event has said that it is gone. */
const findById =
  (typename: string): Resolver =>
  (_parent, args, cache, { fieldName }) =>
    cache.resolve('Query', fieldName, args) === null ? null : { __typename: typename, id: args['id'] as string };

interface ConversationUpdate {
  type: string;
  conversationId: string;
}

/** Makes a conversation null, and takes it out of the lists. */
function removeConversation(cache: Cache, id: string): void {
  const deleted = cache.keyOfEntity({ __typename: 'Conversation', id })!;
  removeFromLists(cache, deleted);
  cache.link('Query', 'conversation', { id }, null);
  for (const { fieldName, fieldKey } of cache.inspectFields('Query')) {
    if (fieldName !== 'conversations') continue;
    const page = cache.resolve('Query', fieldKey) as string | null;
    const edges = page && (cache.resolve(page, 'edges') as string[] | null);
    if (edges) {
      const others = edges.filter((edge) => cache.resolve(edge, 'node') !== deleted);
      cache.link(page, 'edges', others);
    }
  }
}
