import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { execute, type ExecutionResult, type FormattedExecutionResult, type GraphQLSchema } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { UnauthenticatedError } from '../errors/api-error.js';
import type { Logger } from '../telemetry/log.js';
import type { Connections } from './connections.js';
import type { RequestContext, RequestOrigin } from './context.js';
import type { DocumentPreparer } from './prepare.js';
import { Outlet } from './outlet.js';
import { toPublicError } from './public-errors.js';
import { subscribePerEvent } from './subscribe.js';

/** The largest message that a client may send, in bytes: room for the longest question, escaped. */
const LARGEST_MESSAGE = 1024 * 1024;

/** The server's fault, which may pass (RFC 6455 registry). */
const TRY_AGAIN_LATER = 1013;

/** How long a client has to answer the closing handshake, in milliseconds. */
const CLOSING_TIME = 1_000;

export interface WebSocketOptions {
  server: Server;
  path: string;
  schema: GraphQLSchema;
  documents: DocumentPreparer;
  /** Whether a browser page of this origin may connect. */
  isAllowedOrigin: (origin: string, request: IncomingMessage) => boolean;
  originOf: (request: IncomingMessage, authorization: string | null) => RequestOrigin;
  contextFor: (origin: RequestOrigin) => RequestContext;
  connections: Connections;
  log: Logger;
}

/** Serves every operation over graphql-transport-ws, on the HTTP server's own port. */
export function serveWebSockets(options: WebSocketOptions): AsyncDisposable {
  const { server, path, schema, documents, originOf, contextFor, log } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE });

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request, path, options.isAllowedOrigin);
    if (refusal) {
      // The client may keep its half open for ever, and nobody reads it any more.
      socket.once('finish', () => socket.destroy());
      const { requestId } = originOf(request, null);
      return void socket.end(
        `HTTP/1.1 ${refusal}\r\nx-request-id: ${requestId}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
    }
    sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request));
  };
  server.on('upgrade', upgrade);

  const handler = useServer<{ authorization?: unknown }, { origin?: RequestOrigin; outlet?: Outlet }>(
    {
      // A token that is given must be good; without one there are still operations that need none.
      async onConnect({ extra, connectionParams }) {
        const given = connectionParams?.authorization;
        extra.origin = originOf(extra.request, typeof given === 'string' ? given : null);
        extra.outlet = new Outlet(extra.request.socket);
        if (given === undefined || given === null) return true;
        if (typeof given !== 'string') return false;
        try {
          const viewer = await contextFor(extra.origin).viewer();
          if (extra.socket.readyState !== WebSocket.OPEN) return false;
          const { socket } = extra;
          const connection = options.connections.add(viewer, () => socket.close(CloseCode.Forbidden, 'Forbidden'));
          socket.once('close', () => connection[Symbol.dispose]());
          return true;
        } catch (error) {
          if (!(error instanceof UnauthenticatedError)) {
            log.error({ err: error, requestId: extra.origin.requestId }, 'A socket could not be opened.');
            extra.socket.close(TRY_AGAIN_LATER, 'Try again later');
          }
          return false; // closes with 4403, on which clients come back with a fresh token
        }
      },
      onSubscribe({ extra }, id, { query, operationName, variables }) {
        const contextValue = contextFor(extra.origin!);
        const document = documents.prepare({ query, operationName, variables });
        if (!('kind' in document)) return document;
        const before = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
        const send = (result: string) => extra.socket.send(`${before}${result}}`);
        const sender = { outlet: extra.outlet!, send };
        return { schema, document, operationName, variableValues: variables, contextValue, sender };
      },
      execute,
      subscribe: subscribePerEvent,
      onNext: (_context, _id, _payload, { contextValue }, result) => formatted(result, contextValue as RequestContext),
      onError: ({ extra }, _id, _payload, errors) =>
        errors.map((error) => toPublicError(error, extra.origin!.requestId, log)),
    },
    sockets,
  );

  return {
    async [Symbol.asyncDispose]() {
      server.off('upgrade', upgrade);
      const impatience = setTimeout(() => sockets.clients.forEach((client) => client.terminate()), CLOSING_TIME);
      await handler.dispose();
      clearTimeout(impatience);
    },
  };
}

function formatted(result: ExecutionResult, { requestId, log }: RequestContext): FormattedExecutionResult | undefined {
  if (!result.errors) return undefined;
  return { ...result, errors: result.errors.map((error) => toPublicError(error, requestId, log)) };
}

function refusalOf(
  request: IncomingMessage,
  path: string,
  isAllowedOrigin: WebSocketOptions['isAllowedOrigin'],
): string | null {
  if (request.url?.split('?')[0] !== path) return '404 Not Found';
  const { origin } = request.headers;
  // Programs that are no browsers send none.
  if (origin !== undefined && !isAllowedOrigin(origin, request)) return '403 Forbidden';
  return null;
}
