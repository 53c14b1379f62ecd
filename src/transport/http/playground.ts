import { acceptsHtml } from './page.js';
import { API_PATH, getPath } from './paths.js';
import { PLAYGROUND_POLICY } from './security-headers.js';
import { createStaticFiles, type PageHandler } from './static-files.js';

/** The path of the playground's files. */
const FILES = `${API_PATH}/playground`;

/** Serves the bundled playground to browsers. Returns null when it has not been built. */
export function createPlayground(folder: string): PageHandler | null {
  const serve = createStaticFiles(folder, '/assets/');
  if (!serve) return null;
  return (request, response) => {
    const path = getPath(request);
    const isPage = path === API_PATH && acceptsHtml(request);
    const isFile = path.startsWith(`${FILES}/`);
    if ((!isPage && !isFile) || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
    if (isPage) response.setHeader('content-security-policy', PLAYGROUND_POLICY);
    request.url = isPage ? '/' : path.slice(FILES.length);
    serve(request, response);
    return true;
  };
}
