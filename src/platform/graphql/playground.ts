import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import sirv from 'sirv';

export type PlaygroundHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Where the playground's own files lie, below the API's path. */
const ASSETS = '/graphql/playground';

/** Serves the bundled playground to browsers; null where it was not built. */
export function createPlayground(folder: string): PlaygroundHandler | null {
  if (!existsSync(folder)) return null;
  const files = sirv(folder, { etag: true });
  return (request, response) => {
    const path = request.url!.split('?')[0]!;
    const isPage = path === '/graphql' && (request.headers.accept ?? '').includes('text/html');
    const isAsset = path.startsWith(`${ASSETS}/`);
    if ((!isPage && !isAsset) || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
    request.url = isPage ? '/' : path.slice(ASSETS.length);
    files(request, response, () => void response.writeHead(404).end());
    return true;
  };
}
