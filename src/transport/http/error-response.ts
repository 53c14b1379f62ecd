import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ApiError } from '../../platform/errors/api-error.js';
import { ErrorCode } from '../../platform/errors/error-code.js';
import { newId } from '../../platform/db/ids.js';
import { getRequestId } from './request-id.js';

/** The status of an error that is reported before an operation is executed; 400 for the other codes. */
const STATUS_BY_CODE: Partial<Record<ErrorCode, number>> = {
  [ErrorCode.UNAUTHENTICATED]: 401,
  [ErrorCode.FORBIDDEN]: 403,
  [ErrorCode.NOT_FOUND]: 404,
  [ErrorCode.RATE_LIMITED]: 429,
  [ErrorCode.UNAVAILABLE]: 503,
};

type ReportedError = Pick<ApiError, 'message' | 'extensions'>;

/** Responds with an error in the form of a GraphQL response. */
export function sendError(response: ServerResponse, error: ReportedError, status = getStatus(error)): void {
  response.writeHead(status, { ...getRetryHeaders(error), 'content-type': 'application/json; charset=utf-8' });
  response.end(toBody(error));
}

/** Responds with an error on a connection that has no response object, and closes it. */
export function endWithError(
  request: IncomingMessage | null,
  socket: Duplex,
  error: ReportedError,
  { status = getStatus(error), headers: more = {} }: { status?: number; headers?: Record<string, string> } = {},
): void {
  const body = toBody(error);
  const headers = {
    'x-request-id': request ? getRequestId(request) : newId(),
    ...getRetryHeaders(error),
    ...more,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  // The client could keep its half of the connection open forever.
  socket.once('finish', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      '',
      body,
    ].join('\r\n'),
  );
}

const getStatus = ({ extensions }: ReportedError): number => STATUS_BY_CODE[extensions.code] ?? 400;

const getRetryHeaders = ({ extensions: { retryAfter } }: ReportedError): Record<string, number> =>
  retryAfter === undefined ? {} : { 'retry-after': retryAfter };

const toBody = ({ message, extensions }: ReportedError): string =>
  JSON.stringify({ errors: [{ message, extensions }] });
