import type { IncomingMessage } from 'node:http';
import { QueryTooComplexError, RateLimitedError } from '../../platform/errors/api-error.js';
import type { IncomingCounter } from '../connections/incoming-bytes.js';
import { ErrorReason } from '../../platform/errors/error-code.js';
import { badRequest, RequestError } from './request-error.js';

/** Enough for the longest question with every character escaped. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * How much of a body that is too large is read. When a connection is closed before its request has been read, the
 * client gets a reset and may not see the response.
 */
const MAX_READ_BYTES = 16 * MAX_BODY_BYTES;

/** The maximum number of parts that a body arrives in, as for a message of a WebSocket: each one costs CPU time. */
const MAX_PARTS = 8_192;

/** Most bodies fit; the buffer doubles for the others. */
const INITIAL_BYTES = 4 * 1024;

/** Advice when to try again. */
const RETRY_AFTER_SECONDS = 5;

/** Part of the body may be unread, so the connection cannot be reused. */
const CLOSE = { connection: 'close' };

/**
 * Reads a JSON body.
 * @param counter counts the bytes of the body until it is complete
 * @throws RequestError above 1 MiB or 8,192 parts, for another media type than application/json, and for invalid JSON
 */
export async function readJsonBody(request: IncomingMessage, counter: IncomingCounter): Promise<unknown> {
  if (!isJson(request.headers['content-type'])) {
    throw badRequest('content-type', 'Must be application/json, in UTF-8.', {
      status: 415,
      headers: CLOSE,
      // A page of another site could send a different type without a preflight request.
      reason: ErrorReason.CSRF,
    });
  }
  let body = Buffer.allocUnsafe(INITIAL_BYTES);
  let size = 0;
  let parts = 0;
  // Otherwise an error would destroy the connection before the response is sent.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const start = size;
    parts += 1;
    if (parts > MAX_PARTS) throw tooLarge('The request body arrives in too many parts: send larger chunks.');
    size += part.length;
    if (size > MAX_READ_BYTES) break;
    if (size > MAX_BODY_BYTES) continue;
    // A list of the parts would cost many times their bytes if a client sent chunks of one byte.
    if (size > body.length) body = Buffer.concat([body.subarray(0, start)], Math.max(size, 2 * body.length));
    part.copy(body, start);
    if (!counter.add(part.length)) {
      const error = new RateLimitedError(RETRY_AFTER_SECONDS, 'Too many incomplete requests from your address.');
      throw new RequestError(error, 429, CLOSE);
    }
  }
  if (size > MAX_BODY_BYTES) throw tooLarge('The request body is too large.');
  try {
    return JSON.parse(body.toString('utf8', 0, size));
  } catch {
    throw badRequest('body', 'Must be valid JSON.', { reason: ErrorReason.INVALID_JSON });
  }
}

const tooLarge = (message: string): RequestError => new RequestError(new QueryTooComplexError(message), 413, CLOSE);

/** Whether a content-type header (RFC 9110, 8.3) is that of JSON; its only encoding is UTF-8. */
function isJson(header = ''): boolean {
  const [type, ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  return (
    type === 'application/json' &&
    parameters.every((parameter) => !parameter.startsWith('charset=') || /^charset="?utf-?8"?$/.test(parameter))
  );
}
