import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApolloServer, HeaderMap, type ApolloServerPlugin, type GraphQLRequest } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type DocumentNode,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';
import { ApiError } from '../../platform/errors/api-error.js';
import { ErrorCode, ErrorReason } from '../../platform/errors/error-code.js';
import { hasDocumentId } from '../documents/persisted-documents.js';
import { readOperation, type OperationRequest } from './operation-request.js';
import { resolveDocument, type ResolvedOperation } from './persisted-request.js';
import { badRequest, RequestError } from './request-error.js';
import type { Logger } from '../../platform/telemetry/log.js';
import type { RequestContext } from '../../platform/graphql/context.js';
import type { TransportLimits } from '../connections/transport-limits.js';
import { MAX_DOCUMENT_TOKENS } from '../documents/document-limits.js';
import type { DocumentCache, Operation } from '../documents/document-cache.js';
import { OperationPlans } from '../execution/operation-plans.js';
import type { PlannedExecution } from '../execution/planned-execution.js';
import type { OperationEntry, OperationLog } from '../operation-log.js';
import { toPublicError } from '../public-errors.js';
import { accepts, EVENT_STREAM, notAcceptable } from '../sse/accept.js';
import type { EventStreamHandler } from '../sse/event-streams.js';
import { getResponseType } from '../sse/stream-request.js';

export interface GraphQLHttpOptions {
  schema: GraphQLSchema;
  documents: DocumentCache;
  /** Serves subscriptions to clients that accept event streams. */
  eventStreams: EventStreamHandler;
  limits: TransportLimits;
  operations: OperationLog;
  log: Logger;
}

export type GraphQLHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
) => Promise<void>;

/** Serves queries and mutations by the GraphQL over HTTP specification, with Apollo Server on node:http. */
export async function createGraphQLHandler(
  options: GraphQLHttpOptions,
): Promise<{ handle: GraphQLHandler } & AsyncDisposable> {
  const { documents } = options;
  const apollo = new ApolloServer<RequestContext>({
    schema: options.schema,
    // The rules of the document cache reject introspection without a hint at this option.
    introspection: true,
    // The documents have been parsed and validated before Apollo Server asks for them.
    documentStore: {
      get: async (key) => documents.getByHash(key.slice(key.lastIndexOf(':') + 1)),
      set: async () => {},
      delete: async () => {},
    },
    parseOptions: { maxTokens: MAX_DOCUMENT_TOKENS },
    formatError: (_formatted, error) => toPublicError(error as GraphQLError, getRequestIdOfError(error), options.log),
    // The server itself names documents by their hash: `executePost`. Apollo Server would hash the text of each request.
    persistedQueries: {
      cache: {
        get: async (key) => documents.getTextByHash(key.slice(key.lastIndexOf(':') + 1)),
        set: async () => {},
        delete: async () => {},
      },
    },
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    // serve.ts handles the signals, and drains first.
    stopOnTerminationSignals: false,
    logger: options.log,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      logOperations(options.operations),
    ],
  });
  await apollo.start();
  const plans = new OperationPlans(options.schema);
  return { handle: (...call) => handle(apollo, plans, options, ...call), [Symbol.asyncDispose]: () => apollo.stop() };
}

async function handle(
  apollo: ApolloServer<RequestContext>,
  plans: OperationPlans,
  { documents, eventStreams, limits, operations, log }: GraphQLHttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
): Promise<void> {
  const { method } = request;
  if (method !== 'GET' && method !== 'POST') {
    throw badRequest('method', 'Must be GET or POST.', {
      status: 405,
      headers: { allow: 'GET, POST' },
      reason: ErrorReason.METHOD,
    });
  }
  // Counts the operation until it has been executed.
  using counter = limits.incoming.open(context.client.address);
  const operation = await readOperation(request, { counter, takeTurn: () => limits.operations.takeTurn(context) });
  const search = method === 'GET' ? new URL(request.url!, 'http://localhost').search : '';
  let resolved: ResolvedOperation;
  try {
    resolved = resolveDocument(documents.persisted, method, operation, search);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Apollo's protocol: clients that send the text next expect a status of 200.
    throw new RequestError(error, error.extensions.code === ErrorCode.BAD_USER_INPUT ? 400 : 200);
  }
  const { operationName, variables } = operation;
  const { query } = resolved;
  if (documents.isSubscription({ query, operationName }) && acceptsEvents(request)) {
    // From now on it counts as a subscription.
    counter.reset();
    return await eventStreams(request, response, context, { ...operation, query });
  }
  if (!accepts(request, JSON_TYPE) && !accepts(request, GRAPHQL_RESPONSE)) throw notAcceptable(JSON_TYPE);
  await limits.operations.takeTurn(context);
  const document = findDocument(documents, { query, operationName, variables });
  if (!('kind' in document)) {
    operations.refuse(context, { transport: 'http', document: null, operationName }, document);
    const publicErrors = document.map((error) => toPublicError(error, context.requestId, log));
    response.writeHead(400, { 'content-type': getContentType(request) });
    return void response.end(JSON.stringify({ errors: publicErrors }));
  }
  if (method === 'POST') {
    const execution = plans.prepare({ document, operationName, variables, contextValue: context });
    if (!execution) return await executePost(apollo, { documents, log }, resolved, request, response, context);
    const entry = operations.begin(context, { transport: 'http', document, operationName });
    const text = await executePlanned(execution, entry, (error) => toPublicError(error, context.requestId, log));
    response.setHeader('content-type', chooseContentType(request));
    return void response.end(text);
  }
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  // Apollo Server would reject it, because a page could send it without a preflight; then it has no access token.
  if (hasDocumentId(operation)) headers.set('apollo-require-preflight', 'true');
  const result = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method,
      headers,
      body: resolved.body,
      search: resolved.search,
    },
    context: async () => context,
  });
  for (const [name, value] of result.headers) response.setHeader(name, value);
  response.statusCode = result.status ?? 200;
  if (result.body.kind === 'complete') return void response.end(result.body.string);
  for await (const chunk of result.body.asyncIterator) response.write(chunk);
  response.end();
}

/** Executes a planned operation as Apollo Server would do it, and returns the body of the response. */
async function executePlanned(
  execution: PlannedExecution,
  entry: OperationEntry,
  format: (error: GraphQLError) => GraphQLFormattedError,
): Promise<string> {
  const { data, errors } = await execution.run();
  entry.addErrors(errors);
  const list = errors.length > 0 ? `"errors":${JSON.stringify(errors.map(format))},` : '';
  entry.end();
  return `{${list}"data":${data}}\n`;
}

/**
 * Executes a valid operation. Apollo Server's own handling of HTTP requests would read the headers and check the body
 * again, and hash the text.
 */
async function executePost(
  apollo: ApolloServer<RequestContext>,
  { documents, log }: Pick<GraphQLHttpOptions, 'documents' | 'log'>,
  { query, body }: ResolvedOperation,
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
): Promise<void> {
  const { operationName, variables, extensions } = body as OperationRequest;
  const hash = documents.getHash(query);
  const persistedQuery = { version: 1, sha256Hash: hash };
  const named = hash === undefined ? { query, extensions } : { extensions: { ...extensions, persistedQuery } };
  let text: string;
  try {
    const result = await apollo.executeOperation({ ...named, operationName, variables } as GraphQLRequest, {
      contextValue: context,
    });
    if (result.body.kind !== 'single') throw new Error('The schema has no incremental results.');
    const { errors, data, extensions: more } = result.body.singleResult;
    text = `${JSON.stringify({ errors, data, extensions: more })}\n`;
    for (const [name, value] of result.http.headers) response.setHeader(name, value);
    response.statusCode = result.http.status ?? 200;
  } catch (error) {
    const masked = new GraphQLError('', { originalError: error as Error });
    text = JSON.stringify({ errors: [toPublicError(masked, context.requestId, log)] });
    response.statusCode = 500;
  }
  response.setHeader('content-type', chooseContentType(request));
  response.end(text);
}

/** Returns the type that the client prefers, as Apollo Server does. The request accepts one of them. */
function chooseContentType(request: IncomingMessage): string {
  const { accept } = request.headers;
  if (accept === undefined || accept === '') return `${JSON_TYPE}; charset=utf-8`;
  let type = contentTypes.get(accept);
  if (!type) {
    const types = [JSON_TYPE, GRAPHQL_RESPONSE].map((each) => `${each}; charset=utf-8`);
    type = new Negotiator(request).mediaType(types) ?? types[0]!;
    if (accept.length <= MAX_REMEMBERED_LENGTH) contentTypes.set(accept, type);
  }
  return type;
}

/** By the Accept header: clients send few different ones. */
const contentTypes = new LRUCache<string, string>({ max: 200 });
const MAX_REMEMBERED_LENGTH = 300;

/** Whether the client of a subscription accepts events: the distinct connections mode of graphql-sse. */
const acceptsEvents = (request: IncomingMessage): boolean =>
  request.method === 'POST' && getResponseType(request) === EVENT_STREAM && accepts(request, EVENT_STREAM);

/** Returns the document of a query or mutation, or the errors of the operation, which is then not executed. */
function findDocument(documents: DocumentCache, request: Operation): DocumentNode | readonly GraphQLError[] {
  const document = documents.get(request);
  if (!('kind' in document)) return document;
  if (getOperationAST(document, request.operationName)?.operation !== OperationTypeNode.SUBSCRIPTION) return document;
  // Apollo Server would execute it as if it were a query.
  const message =
    'Subscriptions need a WebSocket (graphql-transport-ws) at the same URL, or an Accept header that allows text/event-stream.';
  return [new GraphQLError(message, { extensions: { code: ErrorCode.GRAPHQL_VALIDATION_FAILED } })];
}

/** Returns the media type of a response that Apollo Server does not send (GraphQL over HTTP, 6.1). */
const getContentType = ({ headers: { accept = '' } }: IncomingMessage): string =>
  `${accept.includes(GRAPHQL_RESPONSE) ? GRAPHQL_RESPONSE : JSON_TYPE}; charset=utf-8`;

const JSON_TYPE = 'application/json';
const GRAPHQL_RESPONSE = 'application/graphql-response+json';

/** `formatError` does not know the request of an error, so its id is remembered here. */
const requestIds = new WeakMap<object, string>();
const getRequestIdOfError = (error: unknown): string => requestIds.get(error as object) ?? 'unknown';

const logOperations = (operations: OperationLog): ApolloServerPlugin<RequestContext> => ({
  async requestDidStart({ contextValue, request: { operationName } }) {
    let entry: OperationEntry | undefined;
    return {
      async didResolveOperation({ document }) {
        entry = operations.begin(contextValue, { transport: 'http', document, operationName });
      },
      async didEncounterErrors({ errors }) {
        for (const error of errors) requestIds.set(error, contextValue.requestId);
        entry ??= operations.begin(contextValue, { transport: 'http', document: null, operationName });
        entry.addErrors(errors);
      },
      async willSendResponse() {
        entry?.end();
      },
    };
  },
});
