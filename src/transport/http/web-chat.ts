import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptsHtml } from './page.js';
import { getPath } from './paths.js';
import { createWebChatPolicy } from './security-headers.js';
import { createStaticFiles, type PageHandler } from './static-files.js';

/** What the page is told about the server that it comes from. */
export interface WebChatFacts {
  /** The version of Parley. */
  version: string;
  /** Whether the playground is served. */
  playground: boolean;
  /** Whether the demo model answers. */
  demo: boolean;
  /** Whether mails can be sent. */
  mail: boolean;
  /** Whether users are asked to verify their email, and whether they must. */
  verification: 'off' | 'optional' | 'required';
  /** Whether guests are admitted. */
  guests: boolean;
  /** Whether accounts can be created with an email and a password. */
  registration: boolean;
  /** The login of the operator; null if the chat offers none. */
  identity: { name: string; authorizationUrl: string; tokenUrl: string; clientId: string } | null;
}

/** The paths at which browsers open the chat. Its router shows what belongs to each. */
const PAGES = /^\/(sign-in|sign-up|c\/[\w-]+|account|reports|forgot-password|reset-password|verify-email|identity)?$/;

const FILES = '/assets/';

/** Serves the web chat to browsers. Returns null when it has not been built. */
export function createWebChat(folder: string, facts: WebChatFacts): PageHandler | null {
  const serveFile = createStaticFiles(folder, FILES);
  if (!serveFile) return null;
  const html = renderPage(readFileSync(join(folder, 'index.html'), 'utf8'), facts);
  const policy = createWebChatPolicy(facts.identity ? [facts.identity.tokenUrl] : []);
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
      'content-security-policy': policy,
      'cache-control': 'no-cache',
    });
    response.end(html);
    return true;
  };
}

/** Writes the facts into an attribute, because inline scripts are forbidden. */
function renderPage(html: string, facts: WebChatFacts): string {
  const json = JSON.stringify(facts).replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return html.replace('<html ', () => `<html data-server="${json}" `);
}
