import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BadUserInputError } from '../../platform/errors/api-error.js';
import { ErrorReason } from '../../platform/errors/error-code.js';
import { endWithError, sendError } from './error-response.js';
import { getRequestId } from './request-id.js';

/** The status by the code of the error that Node.js reports; 400 for the other codes. */
const STATUS_BY_ERROR: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

const MESSAGES: Readonly<Record<number, string>> = {
  408: 'The request was not complete in time.',
  413: 'The chunk extensions of the request are too large.',
  431: 'The headers of the request are too large.',
};

/** Options of a server whose errors all have the form of a GraphQL response and an x-request-id. */
export const protocolOptions: ServerOptions = {
  // Otherwise Node.js responds itself; the router checks the header.
  requireHostHeader: false,
  // RFC 9110, section 7.8: a server ignores protocols that it does not support, such as h2c.
  shouldUpgradeCallback: ({ method, headers }) =>
    method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket',
};

/** RFC 9112, section 3.2: a request of HTTP/1.1 without Host gets 400. */
export const lacksHost = ({ httpVersion, headers }: IncomingMessage): boolean =>
  httpVersion === '1.1' && headers.host === undefined;

export const malformed = (message: string): BadUserInputError =>
  new BadUserInputError({ request: message }, { reason: ErrorReason.MALFORMED });

/** Responds to requests that Node.js would otherwise answer itself, without an x-request-id. */
export function answerProtocolErrors(server: Server): void {
  const responses = new WeakMap<Socket, ServerResponse>();
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => responses.set(socket, response));
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('x-request-id', getRequestId(request));
    sendError(response, malformed('The Expect header is not supported: remove it.'), 417);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const response = responses.get(socket);
    const isResponding = response !== undefined && response.headersSent && !response.writableFinished;
    // A second response within the first one would corrupt it.
    if (!socket.writable || isResponding || error.code === 'ECONNRESET') return void socket.destroy();
    const status = STATUS_BY_ERROR[error.code ?? ''] ?? 400;
    endWithError(null, socket, malformed(MESSAGES[status] ?? 'The request is not valid HTTP/1.1.'), { status });
  });
}
