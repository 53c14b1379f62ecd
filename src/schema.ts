import { GraphQLSchema } from 'graphql';
import { buildSchema } from 'type-graphql';
import { AnsweringResolver } from './answering/answering.resolver.js';
import { AuthResolver } from './auth/auth.resolver.js';
import { SessionResolver } from './auth/session.resolver.js';
import { ConversationResolver } from './conversations/conversation.resolver.js';
import { MemoryResolver } from './memory/memory.resolver.js';
import { ConversationUpdatesResolver } from './messages/conversation-updates.resolver.js';
import { ConversationMessagesResolver, MessageResolver } from './messages/message.resolver.js';
import { ReportsResolver, SalesReportResolver } from './reports/reports.resolver.js';
import { DateTimeISO } from './platform/graphql/date-time.js';
import { errorCodeType } from './platform/errors/error-code.js';

/** Every class whose methods serve fields. */
export const resolverClasses = [
  AuthResolver,
  SessionResolver,
  ConversationResolver,
  MessageResolver,
  ConversationMessagesResolver,
  ConversationUpdatesResolver,
  MemoryResolver,
  AnsweringResolver,
  ReportsResolver,
  SalesReportResolver,
] as const;

/** The instance that serves each resolver class. */
export type Resolvers = <T extends object>(type: new (...args: never[]) => T) => T;

/** Builds the GraphQL schema of the resolvers. */
export async function createSchema(resolvers: Resolvers): Promise<GraphQLSchema> {
  const schema = await buildSchema({
    resolvers: resolverClasses,
    container: { get: (type) => resolvers(type as new () => object) },
    validate: true,
    pubSub: noTopics,
    scalarsMap: [{ type: Date, scalar: DateTimeISO }],
  });
  const config = schema.toConfig();
  return new GraphQLSchema({ ...config, types: [...config.types, errorCodeType] });
}

/** type-graphql insists on one, but every subscription here has a source of its own. */
const noTopics = {
  publish: () => {
    throw new Error('There are no topics.');
  },
  subscribe: () => {
    throw new Error('There are no topics: give the subscription a `subscribe` of its own.');
  },
};
