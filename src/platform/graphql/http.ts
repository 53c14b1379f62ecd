import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApolloServer, HeaderMap, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, OperationTypeNode, type GraphQLSchema } from 'graphql';
import { ErrorCode } from '../errors/error-code.js';
import { BodyTooLargeError, readJsonBody } from '../http/read-body.js';
import type { Logger } from '../telemetry/log.js';
import type { RequestContext } from './context.js';
import { MOST_LENGTH, MOST_TOKENS } from './limits.js';
import type { DocumentPreparer } from './prepare.js';
import { errorInVariables } from './variables.js';
import { toPublicError } from './public-errors.js';

export interface GraphQLHttpOptions {
  schema: GraphQLSchema;
  documents: DocumentPreparer;
  introspection: boolean;
  log: Logger;
}

export type GraphQLHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
) => Promise<void>;

/** Serves queries and mutations as GraphQL over HTTP says, by Apollo Server on bare node:http. */
export async function createGraphQLHandler(
  options: GraphQLHttpOptions,
): Promise<{ handle: GraphQLHandler } & AsyncDisposable> {
  const apollo = new ApolloServer<RequestContext>({
    schema: options.schema,
    introspection: options.introspection,
    // Our own rules come on top of Apollo's, which has one against introspection itself.
    validationRules: options.documents.rules,
    parseOptions: { maxTokens: MOST_TOKENS },
    formatError: (_formatted, error) => toPublicError(error as GraphQLError, requestIdOf(error), options.log),
    persistedQueries: false,
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    // The process drains by its own rules.
    stopOnTerminationSignals: false,
    logger: options.log,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      subscriptionsElsewhere,
      variablesByField,
      requestIdsInErrors,
    ],
  });
  await apollo.start();
  return { handle: (...call) => handle(apollo, ...call), [Symbol.asyncDispose]: () => apollo.stop() };
}

async function handle(
  apollo: ApolloServer<RequestContext>,
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
): Promise<void> {
  let body: unknown;
  try {
    body = await readJsonBody(request);
  } catch (error) {
    if (error instanceof BodyTooLargeError) {
      // There may be a rest that is not read, so the connection cannot serve another request.
      response.setHeader('connection', 'close');
      return refuse(response, 413, ErrorCode.QUERY_TOO_COMPLEX, 'The request is too long.');
    }
    if (error instanceof SyntaxError) return refuse(response, 400, ErrorCode.BAD_USER_INPUT, 'The body is no JSON.');
    throw error;
  }

  if (isRecord(body) && typeof body['query'] === 'string' && body['query'].length > MOST_LENGTH) {
    return refuse(response, 400, ErrorCode.QUERY_TOO_COMPLEX, 'The query is too long.');
  }

  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const answer = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: request.method!.toUpperCase(),
      headers,
      body: body ?? {},
      search: new URL(request.url!, 'http://localhost').search,
    },
    context: async () => context,
  });
  for (const [name, value] of answer.headers) response.setHeader(name, value);
  response.statusCode = answer.status ?? 200;
  if (answer.body.kind === 'complete') return void response.end(answer.body.string);
  for await (const chunk of answer.body.asyncIterator) response.write(chunk);
  response.end();
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function refuse(response: ServerResponse, status: number, code: ErrorCode, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ errors: [{ message, extensions: { code } }] }));
}

/** Apollo would run a subscription that is sent by POST as if it were a query. */
const subscriptionsElsewhere: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return;
        throw new GraphQLError(
          'Subscribe over a WebSocket at this same address, by the protocol graphql-transport-ws.',
          {
            extensions: { code: ErrorCode.GRAPHQL_VALIDATION_FAILED, http: { status: 400 } },
          },
        );
      },
    };
  },
};

/** Apollo would tell mistakes in variables in graphql-js's sentences, which repeat the values. */
const variablesByField: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ schema, operation, request }) {
        const originalError = operation && errorInVariables(schema, operation, request.variables ?? {});
        if (!originalError) return;
        throw new GraphQLError(originalError.message, { originalError, extensions: { http: { status: 400 } } });
      },
    };
  },
};

/** `formatError` is not told which request it works for, so the errors carry it there. */
const requestIds = new WeakMap<object, string>();
const requestIdOf = (error: unknown): string => requestIds.get(error as object) ?? 'unknown';
const requestIdsInErrors: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async didEncounterErrors({ errors, contextValue }) {
        for (const error of errors) requestIds.set(error, contextValue.requestId);
      },
    };
  },
};
