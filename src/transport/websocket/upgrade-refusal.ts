import type { IncomingMessage } from 'node:http';
import { ForbiddenError, NotFoundError, type ApiError } from '../../platform/errors/api-error.js';
import type { AllowedOrigins } from '../http/allowed-origins.js';
import { getPath } from '../http/paths.js';

/** Returns why an upgrade to the WebSocket protocol is refused; null when it is accepted. */
export function findRefusal(request: IncomingMessage, path: string, origins: AllowedOrigins): ApiError | null {
  if (getPath(request) !== path) return new NotFoundError('path', 'path');
  if (!origins.admitsSocket(request))
    return new ForbiddenError('WebSockets from this origin are not allowed; add it to CORS_ORIGIN.');
  return null;
}
