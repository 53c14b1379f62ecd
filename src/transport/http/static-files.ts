import { existsSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import sirv from 'sirv';

/** A year: the names of the files contain a hash of their content. */
const MAX_AGE_SECONDS = 31_536_000;

/** Handles a request that is for its files. Returns false when the request is for another handler. */
export type PageHandler = (...args: Parameters<RequestListener>) => boolean;

/**
 * Serves the files of a bundle, compressed if the build has compressed them. Returns null when it has not been built.
 * @param hashed the path of the files whose names contain a hash; browsers keep these
 */
export function createStaticFiles(folder: string, hashed: string): RequestListener | null {
  if (!existsSync(folder)) return null;
  const files = sirv(folder, {
    etag: true,
    brotli: true,
    gzip: true,
    setHeaders: (response, path) =>
      response.setHeader(
        'cache-control',
        path.startsWith(hashed) ? `public, max-age=${MAX_AGE_SECONDS}, immutable` : 'no-cache',
      ),
  });
  return (request, response) => files(request, response, () => void response.writeHead(404).end());
}
