import { GraphQLSchema } from 'graphql';
import { buildSchema } from 'type-graphql';
import { AnsweringResolver } from './answering/answering.resolver.js';
import { AccountListResolver } from './auth/account-list.resolver.js';
import { AuthResolver } from './auth/auth.resolver.js';
import { EmailLinkResolver } from './auth/email-link.resolver.js';
import { IdentityResolver } from './auth/identity.resolver.js';
import { NodeResolver } from './auth/node.resolver.js';
import { SecurityEventResolver } from './auth/security-event.resolver.js';
import { SessionResolver } from './auth/session.resolver.js';
import {
  MessageProductsResolver,
  ProductMentionResolver,
  ShownProductResolver,
} from './catalogue/product-mention.resolver.js';
import { ProductResolver } from './catalogue/product.resolver.js';
import { ConversationResolver } from './conversations/conversation.resolver.js';
import { DataExportResolver } from './exports/data-export.resolver.js';
import { MemoryResolver } from './memory/memory.resolver.js';
import { ConversationUpdatesResolver } from './messages/conversation-updates.resolver.js';
import { ConversationMessagesResolver, MessageResolver } from './messages/message.resolver.js';
import { ReportsResolver, SalesReportResolver, UsageReportResolver } from './reports/reports.resolver.js';
import { chargeText } from './platform/graphql/charge-text.js';
import { DateTimeISO } from './platform/graphql/date-time.js';
import { callFieldResolversDirectly, readPropertiesDirectly } from './platform/graphql/direct-resolvers.js';
import { errorCodeType } from './platform/graphql/error-code-type.js';
import { validateArgument } from './platform/graphql/validation.js';

/** All resolver classes. */
export const resolverClasses = [
  AuthResolver,
  AccountListResolver,
  SessionResolver,
  SecurityEventResolver,
  EmailLinkResolver,
  IdentityResolver,
  ConversationResolver,
  MessageResolver,
  ConversationMessagesResolver,
  ConversationUpdatesResolver,
  MemoryResolver,
  AnsweringResolver,
  ReportsResolver,
  SalesReportResolver,
  ProductResolver,
  ProductMentionResolver,
  ShownProductResolver,
  MessageProductsResolver,
  UsageReportResolver,
  DataExportResolver,
  NodeResolver,
] as const;

/** Returns the instance of a resolver class. */
export type ResolverLookup = <T extends object>(type: new (...args: never[]) => T) => T;

/** Builds the GraphQL schema from the resolver classes. */
export async function createSchema(resolvers: ResolverLookup): Promise<GraphQLSchema> {
  readPropertiesDirectly();
  const schema = await buildSchema({
    resolvers: resolverClasses,
    container: { get: (type) => resolvers(type as new () => object) },
    validateFn: validateArgument,
    pubSub: noPubSub,
    scalarsMap: [{ type: Date, scalar: DateTimeISO }],
  });
  const config = schema.toConfig();
  const complete = new GraphQLSchema({ ...config, types: [...config.types, errorCodeType] });
  callFieldResolversDirectly(complete, resolvers);
  chargeText(complete);
  return complete;
}

/** type-graphql requires a PubSub, but every subscription here has its own `subscribe` function. */
const noPubSub = {
  publish: () => {
    throw new Error('Topics are not supported.');
  },
  subscribe: () => {
    throw new Error('Topics are not supported: pass a `subscribe` function to @Subscription.');
  },
};
