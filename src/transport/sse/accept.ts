import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';
import { ErrorCode, ErrorReason } from '../../platform/errors/error-code.js';
import { RequestError } from '../http/request-error.js';

export const EVENT_STREAM = 'text/event-stream';

/**
 * Whether the Accept header allows a media type (RFC 9110, 12.5.1), possibly only in UTF-8. Without the header, every type is
 * allowed.
 */
export const accepts = (request: IncomingMessage, type: string): boolean =>
  new Negotiator(request).mediaType([type, `${type}; charset=utf-8`]) !== undefined;

export function notAcceptable(type: string): RequestError {
  const message = `The response is ${type}: send an Accept header that allows it.`;
  const extensions = { code: ErrorCode.BAD_USER_INPUT, reason: ErrorReason.NOT_ACCEPTABLE };
  return new RequestError({ message, extensions }, 406);
}
