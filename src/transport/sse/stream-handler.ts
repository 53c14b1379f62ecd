import { randomUUID } from 'node:crypto';
import type { ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import { createHandler, type Response as SseResponse } from 'graphql-sse';
import type { Logger } from '../../platform/telemetry/log.js';
import type { TransportLimits } from '../connections/transport-limits.js';
import type { DocumentCache } from '../documents/document-cache.js';
import type { OperationLog } from '../operation-log.js';
import { toPublicError } from '../public-errors.js';
import { toGraphQLError } from '../subscriptions/run-operation.js';
import type { StreamRegistry } from './stream-registry.js';
import { getStreamToken, opensStream, type StreamCall, type StreamRequest } from './stream-request.js';
import { cancel, executeOnStream, refuseOnStream, subscribeToStream, type StreamedArgs } from './stream-response.js';

export interface StreamHandlerOptions {
  schema: GraphQLSchema;
  documents: DocumentCache;
  streams: StreamRegistry;
  /** Whether a stream that is not known here may be known to another instance. */
  hasOtherInstances: boolean;
  limits: TransportLimits;
  operations: OperationLog;
  log: Logger;
}

const NOT_FOUND: SseResponse = [null, { status: 404, statusText: 'Not Found' }];
const SUBMIT_BY_POST: SseResponse = [
  null,
  { status: 405, statusText: 'Method Not Allowed', headers: { allow: 'POST' } },
];
const NOT_ON_THIS_INSTANCE: SseResponse = [
  JSON.stringify({
    errors: [
      {
        message:
          'Event stream not found on this instance. Route requests of one stream to one instance, or use distinct connections over HTTP/2.',
      },
    ],
  }),
  { status: 409, statusText: 'Conflict', headers: { 'content-type': 'application/json; charset=utf-8' } },
];

/** Configures graphql-sse, which runs the operations and keeps a state of its own for each stream. */
export function createStreamHandler(options: StreamHandlerOptions): (request: StreamRequest) => Promise<SseResponse> {
  const { schema, documents, streams, hasOtherInstances, limits, operations, log } = options;

  const handle = createHandler<null, StreamCall, Record<PropertyKey, unknown>>({
    authenticate,
    onSubscribe(request, { query, operationName, variables, extensions }) {
      const { context, target } = request.context;
      const token = getStreamToken(request);
      const refuse = (errors: readonly GraphQLError[]) => {
        operations.refuse(context, { transport: 'sse', document: null, operationName }, errors);
        const result = { data: null, errors };
        if (!token) return result;
        try {
          const refusal = streams.openRefusal(token, { query, operationName, variables, extensions });
          return refusal ? refuseOnStream(() => streams.getTarget(token), refusal, result) : NOT_FOUND;
        } catch (error) {
          return toResponse(error, context.requestId);
        }
      };
      try {
        const document = documents.get({ query, operationName, variables, extensions });
        if (!('kind' in document)) return refuse(document);
        const received = { document, operationName, variables, extensions };
        const operation = token
          ? streams.openOperation(token, received)
          : limits.operations.createConnection(context.client.address)(received);
        return {
          schema,
          document,
          operationName,
          variableValues: variables,
          contextValue: context as never,
          limits: limits.operations,
          entry: operations.begin(context, { transport: 'sse', document, operationName }),
          operation,
          target: () => (token ? streams.getTarget(token) : target),
          // graphql-sse converts it to a string, too.
          operationId: token ? String(extensions!['operationId']) : null,
        };
      } catch (error) {
        return refuse([toGraphQLError(error)]);
      }
    },
    // The document cache has validated the document.
    validate: () => [],
    execute: (args) => executeOnStream(args as StreamedArgs),
    subscribe: (args) => subscribeToStream(args as StreamedArgs),
    // Errors are sent as events: after a 4xx a client would repeat the same request.
    onNext(_context, request, { errors, data }) {
      if (!errors) return;
      const { requestId } = request.context.context;
      const publicErrors = errors.map((error) => toPublicError(error, requestId, log));
      return { data: data ?? null, errors: publicErrors } as unknown as ExecutionResult;
    },
  });

  /** Refuses a stream, or an operation of a stream with too many events that wait, in the response to the request. */
  function toResponse(error: unknown, requestId: string): SseResponse {
    const refusal = toPublicError(toGraphQLError(error), requestId, log);
    const headers = {
      'retry-after': String(refusal.extensions?.['retryAfter']),
      'content-type': 'application/json; charset=utf-8',
    };
    return [JSON.stringify({ errors: [refusal] }), { status: 429, statusText: 'Too Many Requests', headers }];
  }

  /** Returns the token of the caller's stream, or of a new one for a PUT. */
  function authenticate(request: StreamRequest): string | SseResponse {
    const { viewer, internalToken } = request.context;
    if (internalToken) return internalToken;
    if (request.method === 'PUT') {
      if (!viewer) return [null, { status: 401, statusText: 'Unauthorized' }];
      try {
        return streams.reserve(viewer, (token) => void discard(token));
      } catch (error) {
        return toResponse(error, request.context.context.requestId);
      }
    }
    const token = getStreamToken(request);
    // In the distinct connections mode graphql-sse expects a token that names no stream.
    if (!token) return randomUUID();
    if (viewer && streams.isOwnedBy(viewer.sessionId, token))
      return request.method === 'GET' && !opensStream(request) ? SUBMIT_BY_POST : token;
    return hasOtherInstances ? NOT_ON_THIS_INSTANCE : NOT_FOUND;
  }

  /** Removes a stream that was never opened. graphql-sse forgets a stream only when it is opened and closed. */
  async function discard(token: string): Promise<void> {
    const [body] = await handle({
      method: 'GET',
      url: '/',
      headers: { get: (name) => (name === 'accept' ? 'text/event-stream' : undefined) },
      body: null,
      raw: null,
      context: { internalToken: token } as StreamCall,
    });
    streams.remove(token);
    await cancel(body);
  }

  return handle;
}
