import type { IncomingMessage } from 'node:http';

/** The path of the API, over HTTP and WebSocket. */
export const API_PATH = '/graphql';

/** Returns the path of a request without its query and without a trailing slash. */
export function getPath(request: IncomingMessage): string {
  const path = request.url!.split('?')[0]!;
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
