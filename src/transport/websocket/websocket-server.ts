import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ExecutionResult, FormattedExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocket, WebSocketServer } from 'ws';
import { BadUserInputError, UnauthenticatedError } from '../../platform/errors/api-error.js';
import type { RequestContext, RequestOrigin } from '../../platform/graphql/context.js';
import type { Logger } from '../../platform/telemetry/log.js';
import type { DocumentCache } from '../documents/document-cache.js';
import type { AllowedOrigins } from '../http/allowed-origins.js';
import { endWithError } from '../http/error-response.js';
import { malformed } from '../http/protocol-errors.js';
import type { OriginReader } from '../http/request-origin.js';
import type { OperationLog } from '../operation-log.js';
import { toPublicError } from '../public-errors.js';
import type { TransportLimits } from '../connections/transport-limits.js';
import {
  executeOperation,
  subscribeToOperation,
  toGraphQLError,
  type OperationArgs,
} from '../subscriptions/run-operation.js';
import type { Connections, OpenConnection } from '../connections/connections.js';
import type { OperationCounter } from '../connections/operation-limits.js';
import { SocketConnection } from './socket-connection.js';
import { findRefusal } from './upgrade-refusal.js';

/** The largest message that a client may send: room for the longest question with every character escaped. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** The length of an operation's id, which each of its messages repeats. */
const MAX_OPERATION_ID_LENGTH = 200;

/** Limits the parts of an incomplete message, because each part costs more than its bytes. */
const MAX_MESSAGE_FRAGMENTS = 1_024;
const MAX_MESSAGE_CHUNKS = 8_192;

/** Close code for a temporary failure of the server (IANA WebSocket Close Code Number Registry). */
const TRY_AGAIN_LATER = 1013;

const GOING_AWAY = 1001;

/** How long clients have to answer the closing handshake. */
const CLOSE_TIMEOUT_MS = 1_000;

const HEARTBEAT_INTERVAL_MS = 12_000;

/** How long a client has to send its first message, `connection_init`. */
const INIT_TIMEOUT_MS = 3_000;

export interface WebSocketOptions {
  server: Server;
  path: string;
  schema: GraphQLSchema;
  documents: DocumentCache;
  origins: AllowedOrigins;
  readOrigin: OriginReader;
  createContext: (origin: RequestOrigin) => RequestContext;
  connections: Connections;
  limits: TransportLimits;
  operations: OperationLog;
  log: Logger;
}

/** What belongs to a WebSocket. */
interface Extra {
  connection: SocketConnection;
  origin: RequestOrigin;
  openOperation: OperationCounter;
  /** Null until the client is signed in. */
  opened: OpenConnection | null;
}

/** Serves all operations by the graphql-transport-ws protocol, on the port of the HTTP server. */
export function serveWebSockets(options: WebSocketOptions): AsyncDisposable {
  const { server, path, readOrigin, createContext, limits, log } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_MESSAGE_FRAGMENTS,
    maxBufferedChunks: MAX_MESSAGE_CHUNKS,
    perMessageDeflate: false,
    handleProtocols,
  });
  // Otherwise ws responds itself, without an x-request-id.
  sockets.on('wsClientError', (error: Error, tcp: Socket, request: IncomingMessage) =>
    endWithError(request, tcp, malformed(`${error.message}.`), { headers: { 'sec-websocket-version': '13, 8' } }),
  );
  const protocol = createProtocol(options);
  const open = new Set<SocketConnection>();

  const upgrade = (request: IncomingMessage, tcp: Socket, head: Buffer) => {
    tcp.on('error', () => tcp.destroy());
    const refusal = findRefusal(request, path, options.origins) ?? limits.connections.admit(request, tcp);
    if (refusal) return endWithError(request, tcp, refusal);
    sockets.handleUpgrade(request, tcp, head, (socket) => {
      const origin = readOrigin(request, null);
      const { requestId } = origin;
      const writer = limits.writers.get(tcp);
      const incoming = limits.incoming.open(origin.address);
      const takeTurn = () => limits.operations.takeTurn(createContext(extra.origin));
      const connection = new SocketConnection({ socket, tcp, writer, incoming, takeTurn, requestId, log });
      open.add(connection);
      socket.once('close', () => open.delete(connection));
      const openOperation = limits.operations.createConnection(origin.address);
      const extra: Extra = { connection, origin, openOperation, opened: null };
      connection.serve(protocol, extra);
    });
  };
  server.on('upgrade', upgrade);
  const heartbeat = setInterval(() => open.forEach((connection) => connection.beat()), HEARTBEAT_INTERVAL_MS);

  return {
    async [Symbol.asyncDispose]() {
      server.off('upgrade', upgrade);
      clearInterval(heartbeat);
      const closed = [...open].map(({ socket }) => once(socket, 'close'));
      for (const { socket } of open) socket.close(GOING_AWAY, 'Going away');
      const timeout = setTimeout(() => open.forEach(({ socket }) => socket.terminate()), CLOSE_TIMEOUT_MS);
      await Promise.all(closed);
      clearTimeout(timeout);
    },
  };
}

/** Configures graphql-ws. Errors of one operation never close the WebSocket, which may have others. */
function createProtocol({ schema, documents, createContext, connections, limits, operations, log }: WebSocketOptions) {
  return makeServer<{ authorization?: unknown }, Extra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    // An access token is optional, because some operations need none; an invalid one is refused.
    async onConnect({ extra, connectionParams }) {
      const { connection, origin } = extra;
      const authorization = connectionParams?.authorization;
      if (authorization === undefined || authorization === null) return true;
      if (typeof authorization !== 'string') return false;
      extra.origin = { ...origin, authorization };
      try {
        const viewer = await createContext(extra.origin).viewer();
        const { socket } = connection;
        if (socket.readyState !== WebSocket.OPEN) return false;
        const opened = connections.add(viewer, () => socket.close(CloseCode.Forbidden, 'Forbidden'));
        extra.opened = opened;
        socket.once('close', () => opened[Symbol.dispose]());
        connection.isSignedIn = true;
        return true;
      } catch (error) {
        if (!(error instanceof UnauthenticatedError)) {
          log.error({ err: error, requestId: origin.requestId }, 'WebSocket connection failed.');
          connection.socket.close(TRY_AGAIN_LATER, 'Try again later');
        }
        return false; // closes with 4403, after which clients reconnect with a fresh token
      }
    },
    onSubscribe({ extra }, id, request): OperationArgs | readonly GraphQLError[] {
      const { operationName, variables, extensions } = request;
      const contextValue = createContext(extra.origin);
      try {
        const document = documents.get(request);
        if (!('kind' in document)) {
          operations.refuse(contextValue, { transport: 'websocket', document: null, operationName }, document);
          return document;
        }
        if (id.length > MAX_OPERATION_ID_LENGTH)
          throw new BadUserInputError({ id: `Must have at most ${MAX_OPERATION_ID_LENGTH} characters.` });
        const operation = extra.openOperation({ id, document, operationName, variables, extensions });
        const before = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
        const { connection } = extra;
        return {
          schema,
          document,
          operationName,
          variableValues: variables,
          contextValue,
          limits: limits.operations,
          entry: operations.begin(contextValue, { transport: 'websocket', document, operationName }),
          sender: { writer: connection.writer, send: (result) => void connection.sendNow(`${before}${result}}`) },
          operation,
          followAnswer: () => extra.opened?.followAnswer(),
        };
      } catch (error) {
        const errors = [toGraphQLError(error)];
        operations.refuse(contextValue, { transport: 'websocket', document: null, operationName }, errors);
        return errors;
      }
    },
    execute: (args) => executeOperation(args as OperationArgs),
    subscribe: (args) => subscribeToOperation(args as OperationArgs),
    onNext: (_context, _id, _payload, { contextValue }, result) => formatErrors(result, contextValue as RequestContext),
    onError: ({ extra }, _id, _payload, errors) =>
      errors.map((error) => toPublicError(error, extra.origin.requestId, log)),
  });
}

/** Returns undefined when the result has no errors, so that graphql-ws sends it as it is. */
function formatErrors(
  result: ExecutionResult,
  { requestId, log }: RequestContext,
): FormattedExecutionResult | undefined {
  if (!result.errors) return undefined;
  return { ...result, errors: result.errors.map((error) => toPublicError(error, requestId, log)) };
}
