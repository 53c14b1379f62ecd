import type { IncomingMessage } from 'node:http';
import { QueryTooComplexError, RateLimitedError } from '../../platform/errors/api-error.js';
import { LARGE_MESSAGE_BYTES, type IncomingCounter } from '../connections/incoming-bytes.js';
import { ErrorReason } from '../../platform/errors/error-code.js';
import { hasTooManyValues } from '../../platform/json/too-many-values.js';
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

const EMPTY = Buffer.alloc(0);

/** Most bodies of several parts fit; the buffer doubles for the others. */
const INITIAL_BYTES = 4 * 1024;

/** Advice when to try again. */
const RETRY_AFTER_SECONDS = 5;

/** Part of the body may be unread, so the connection cannot be reused. */
const CLOSE = { connection: 'close' };

export interface BodyLimits {
  /** Counts the bytes of the body. */
  counter: IncomingCounter;
  /** Resolves when more of a large body may be read, or when it may be parsed. */
  takeTurn: () => Promise<void>;
}

/**
 * Reads a JSON body.
 * @throws RequestError above 1 MiB, 8,192 parts or 100,000 values, for another media type than application/json, and for invalid JSON
 */
export async function readJsonBody(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  if (!isJson(request.headers['content-type'])) {
    throw badRequest('content-type', 'Must be application/json, in UTF-8.', {
      status: 415,
      headers: CLOSE,
      // A page of another site could send a different type without a preflight request.
      reason: ErrorReason.CSRF,
    });
  }
  const body = await new BodyReader(limits).read(request);
  if (body.length >= LARGE_MESSAGE_BYTES) {
    await limits.takeTurn();
    if (hasTooManyValues(body)) throw tooLarge('The request body has too many values.');
  }
  try {
    return JSON.parse(body.toString());
  } catch {
    throw badRequest('body', 'Must be valid JSON.', { reason: ErrorReason.INVALID_JSON });
  }
}

/** Reads a body by events, because an async iterator costs as much as a query. */
class BodyReader {
  /** The first part as it is, since most bodies have only one; then a buffer that doubles. */
  #body: Buffer = EMPTY;
  #size = 0;
  #parts = 0;

  constructor(private readonly limits: BodyLimits) {}

  /** Resolves when the body is complete. After a rejection, the rest is ignored and the connection stays open. */
  read(request: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (request.destroyed) return reject(new Error('The client has disconnected.'));
      const stop = (error: Error) => {
        request.off('data', onData).pause();
        reject(error);
      };
      const onData = (part: Buffer) => {
        try {
          if (!this.#add(part)) return stop(bodyTooLarge());
          if (this.#size < LARGE_MESSAGE_BYTES) return;
          // Otherwise all that many clients have sent would be read at once.
          request.pause();
          void this.limits.takeTurn().then(() => request.resume());
        } catch (error) {
          stop(error as Error);
        }
      };
      request
        .on('data', onData)
        .once('end', () =>
          this.#size > MAX_BODY_BYTES ? reject(bodyTooLarge()) : resolve(this.#body.subarray(0, this.#size)),
        )
        .once('error', reject)
        // The event also follows `end`; then, no error with a stack trace is created.
        .once('close', () => {
          if (!request.readableEnded) reject(new Error('The client has disconnected.'));
        });
    });
  }

  /** Returns false when so much has arrived that reading ends. @throws RequestError */
  #add(part: Buffer): boolean {
    const start = this.#size;
    this.#parts += 1;
    if (this.#parts > MAX_PARTS) throw tooLarge('The request body arrives in too many parts: send larger chunks.');
    this.#size += part.length;
    if (this.#size > MAX_READ_BYTES) return false;
    if (this.#size > MAX_BODY_BYTES) return true;
    if (start === 0) this.#body = part;
    // A list of the parts would cost many times their bytes if a client sent chunks of one byte.
    else {
      if (this.#size > this.#body.length) this.#grow(start);
      part.copy(this.#body, start);
    }
    if (this.limits.counter.add(part.length)) return true;
    const error = new RateLimitedError(RETRY_AFTER_SECONDS, 'Too many incomplete requests from your address.');
    throw new RequestError(error, 429, CLOSE);
  }

  #grow(length: number): void {
    const size = Math.max(this.#size, 2 * this.#body.length, INITIAL_BYTES);
    this.#body = Buffer.concat([this.#body.subarray(0, length)], size);
  }
}

const bodyTooLarge = () => tooLarge('The request body is too large.');

const tooLarge = (message: string): RequestError => new RequestError(new QueryTooComplexError(message), 413, CLOSE);

/** Whether a content-type header (RFC 9110, 8.3) is that of JSON; its only encoding is UTF-8. */
function isJson(header = ''): boolean {
  const [type, ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  return (
    type === 'application/json' &&
    parameters.every((parameter) => !parameter.startsWith('charset=') || /^charset="?utf-?8"?$/.test(parameter))
  );
}
