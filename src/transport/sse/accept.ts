import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';
import { ErrorCode, ErrorReason } from '../../platform/errors/error-code.js';
import { RequestError } from '../http/request-error.js';

export const EVENT_STREAM = 'text/event-stream';

/**
 * Whether the Accept header allows a media type (RFC 9110, 12.5.1), possibly only in UTF-8. Without the header, every type is
 * allowed.
 */
export function accepts(request: IncomingMessage, type: string): boolean {
  const { accept } = request.headers;
  if (accept === undefined) return true;
  if (accept.length > MAX_REMEMBERED_LENGTH) return negotiate(request, type);
  const key = `${type} ${accept}`;
  let isAccepted = remembered.get(key);
  if (isAccepted === undefined) remembered.set(key, (isAccepted = negotiate(request, type)));
  return isAccepted;
}

const negotiate = (request: IncomingMessage, type: string): boolean =>
  new Negotiator(request).mediaType([type, `${type}; charset=utf-8`]) !== undefined;

/** Clients send few different headers, and parsing one costs as much as a query. */
const remembered = new LRUCache<string, boolean>({ max: 200 });
const MAX_REMEMBERED_LENGTH = 300;

export function notAcceptable(type: string): RequestError {
  const message = `The response is ${type}: send an Accept header that allows it.`;
  const extensions = { code: ErrorCode.BAD_USER_INPUT, reason: ErrorReason.NOT_ACCEPTABLE };
  return new RequestError({ message, extensions }, 406);
}
