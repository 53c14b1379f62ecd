import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptsHtml } from './page.js';
import { getPath } from './paths.js';
import { WEB_CHAT_POLICY } from './security-headers.js';
import { createStaticFiles, type PageHandler } from './static-files.js';

export interface WebChatOptions {
  /** The version of Parley. */
  version: string;
  /** Whether the playground is served. */
  playground: boolean;
  /** Whether the demo model answers. */
  demo: boolean;
  /** Whether mails can be sent. */
  mail: boolean;
}

/** The paths at which browsers open the chat. Its router shows what belongs to each. */
const PAGES = /^\/(sign-in|sign-up|c\/[\w-]+|account|reports|forgot-password|reset-password|verify-email)?$/;

const FILES = '/assets/';

/** Serves the web chat to browsers. Returns null when it has not been built. */
export function createWebChat(folder: string, options: WebChatOptions): PageHandler | null {
  const serveFile = createStaticFiles(folder, FILES);
  if (!serveFile) return null;
  const html = renderPage(readFileSync(join(folder, 'index.html'), 'utf8'), options);
  return (request, response) => {
    const path = getPath(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    if (path.startsWith(FILES)) {
      serveFile(request, response);
      return true;
    }
    if (!PAGES.test(path) || !acceptsHtml(request)) return false;
    response.setHeader('vary', 'accept');
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': WEB_CHAT_POLICY,
      'cache-control': 'no-cache',
    });
    response.end(html);
    return true;
  };
}

/** Tells the page about the server that it comes from. */
const renderPage = (html: string, { version, playground, demo, mail }: WebChatOptions): string =>
  html.replace(
    '<html ',
    () => `<html data-version="${version}" data-playground="${playground}" data-demo="${demo}" data-mail="${mail}" `,
  );
