import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request } from 'graphql-sse';
import type { TransportLimits } from '../connections/transport-limits.js';
import { hasDocumentId } from '../documents/persisted-documents.js';
import { readOperation, type OperationRequest } from '../http/operation-request.js';
import { badRequest, RequestError } from '../http/request-error.js';
import { accepts, EVENT_STREAM } from './accept.js';
import type { RequestContext, Viewer } from '../../platform/graphql/context.js';
import type { OpenConnection } from '../connections/connections.js';
import type { BackpressureWriter } from '../subscriptions/backpressure-writer.js';

/** What graphql-sse passes to our callbacks with each request. */
export interface StreamCall {
  context: RequestContext;
  target: StreamTarget;
  /** Null when the client is not signed in or its access token is not valid. */
  viewer: Viewer | null;
  /** Names the stream when the request is made by the server itself. */
  internalToken?: string;
  /** Why the operation was rejected: graphql-sse responds with a message of its own. */
  rejection?: RequestError;
}

/** A response that events are written to, and the writer of its connection. */
export interface StreamTarget {
  response: ServerResponse;
  writer: BackpressureWriter;
  /** Null if the client is not signed in. */
  connection: OpenConnection | null;
}

/** A request in the form that graphql-sse expects. */
export type StreamRequest = Request<null, StreamCall>;

type MessageLimits = Pick<TransportLimits, 'incoming' | 'operations'>;

const TOKEN_HEADER = 'x-graphql-event-stream-token';

/**
 * @param limits count the bytes of the body, and let large ones take turns
 * @param operation the operation if it has been read already
 */
export function toStreamRequest(
  request: IncomingMessage,
  call: StreamCall,
  limits: MessageLimits,
  operation?: OperationRequest,
): StreamRequest {
  const streamRequest: StreamRequest = {
    method: request.method!,
    url: withQueryParameter(request.url!),
    // graphql-sse compares the Accept header with the type of its response, instead of interpreting it.
    headers: { get: (name) => (name === 'accept' ? getResponseType(request) : getHeader(request, name)) },
    body: async () => (operation ? withQuery(operation) : await readBody(request, streamRequest, limits)),
    raw: null,
    context: call,
  };
  return streamRequest;
}

async function readBody(request: IncomingMessage, stream: StreamRequest, limits: MessageLimits) {
  const { context: call } = stream;
  try {
    using counter = limits.incoming.open(call.context.client.address);
    const takeTurn = () => limits.operations.takeTurn(call.context);
    const operation = await readOperation(request, { counter, takeTurn });
    if (getStreamToken(stream) !== null && !isOperationId(operation.extensions?.['operationId']))
      throw badRequest('extensions.operationId', `Must be a string of 1 to ${MAX_OPERATION_ID_LENGTH} characters.`);
    return withQuery(operation);
  } catch (error) {
    if (error instanceof RequestError) call.rejection = error;
    throw error;
  }
}

const MAX_OPERATION_ID_LENGTH = 200;

/** graphql-sse converts a number to a string. */
const isOperationId = (id: unknown): boolean =>
  typeof id === 'number' || (typeof id === 'string' && id !== '' && id.length <= MAX_OPERATION_ID_LENGTH);

/**
 * Returns the media type of a successful response. In the single connection mode, only the GET request that opens the
 * stream is answered with events: PUT returns a token, and operations are confirmed.
 */
export function getResponseType(request: IncomingMessage): string {
  if (request.method === 'PUT') return 'text/plain';
  if (findToken(request) === null) return EVENT_STREAM;
  const submits = new URL(request.url!, 'http://localhost').searchParams.has('query');
  return request.method === 'GET' && !submits && accepts(request, EVENT_STREAM) ? EVENT_STREAM : 'application/json';
}

/** Returns the token that names a stream of the single connection mode; null when the request has none. */
export const getStreamToken = (request: StreamRequest): string | null =>
  (request.headers.get(TOKEN_HEADER) as string | undefined) ?? readTokenParameter(request.url);

const findToken = (request: IncomingMessage): string | null =>
  getHeader(request, TOKEN_HEADER) ?? readTokenParameter(request.url!);

const readTokenParameter = (url: string): string | null => new URL(url, 'http://localhost').searchParams.get('token');

/** Whether the request belongs to the single connection mode: it reserves a stream, or names one. */
export const isSingleConnection = (request: StreamRequest): boolean =>
  request.method === 'PUT' || getStreamToken(request) !== null;

/** Whether the response is a stream of events. */
export const opensStream = ({ headers }: StreamRequest): boolean => headers.get('accept') === EVENT_STREAM;

/**
 * graphql-sse requires a query, and passes on only the extensions of what names a persisted document. An empty query counts
 * as none.
 */
function withQuery(operation: OperationRequest): Record<string, unknown> {
  if (!hasDocumentId(operation)) return { ...operation };
  const { query = '', documentId, extensions, ...rest } = operation;
  const persistedQuery = documentId == null ? {} : { persistedQuery: { version: 1, sha256Hash: documentId } };
  return { query, ...rest, extensions: { ...extensions, ...persistedQuery } };
}

function withQueryParameter(path: string): string {
  const url = new URL(path, 'http://localhost');
  const { searchParams: parameters } = url;
  const documentId = parameters.get('documentId');
  if (documentId === null && !parameters.has('extensions')) return path;
  if (!parameters.has('query')) parameters.set('query', '');
  if (documentId !== null)
    parameters.set('extensions', JSON.stringify({ persistedQuery: { version: 1, sha256Hash: documentId } }));
  return `${url.pathname}${url.search}`;
}

function getHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : value;
}
