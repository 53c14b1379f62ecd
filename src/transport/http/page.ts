import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { API_PATH } from './paths.js';

export interface PageOptions {
  version: string;
  /** Whether the playground is served. */
  playground: boolean;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Creates the handler of `/`: a page for browsers, one line of text for other clients. */
export function createPage(options: PageOptions): Handler {
  const html = renderPage(options);
  const text = `Parley ${options.version}. GraphQL API: ${API_PATH}. Health: /healthz, /readyz.\n`;
  return (request, response) => {
    response.setHeader('vary', 'accept');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return void response.writeHead(405, { ...PLAIN_TEXT, allow: 'GET, HEAD' }).end('Method not allowed.\n');
    }
    if (!acceptsHtml(request)) return void response.writeHead(200, PLAIN_TEXT).end(text);
    response.writeHead(200, { ...HTML, 'cache-control': 'no-cache' }).end(html);
  };
}

/** Explains the API to a browser that opens its address while the playground is not served. */
export function serveApiNotice(response: ServerResponse): void {
  const text = `This is the GraphQL API of Parley. Send operations as JSON by POST to ${API_PATH}.\n`;
  response.writeHead(200, { ...PLAIN_TEXT, vary: 'accept' }).end(text);
}

/** Whether a browser asks for a page. GraphQL clients do not accept HTML. */
export function acceptsHtml({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 40rem; padding: 2rem 1.25rem }
h1 { line-height: 1.2; margin: 0 0 .5rem }
small { font-size: 1rem; font-weight: normal; opacity: .7 }
dl { display: grid; gap: .5rem 1.5rem; grid-template-columns: max-content 1fr; margin: 2rem 0 }
dd { margin: 0; overflow-wrap: anywhere }
code { font-size: .95em }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr } dt { font-weight: bold } dd { margin-bottom: .5rem } }
`;

const PLAIN_TEXT = { 'content-type': 'text/plain; charset=utf-8' };

/** The page loads nothing, and only its own style sheet applies. */
const HTML = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
};

function renderPage({ version, playground }: PageOptions): string {
  const rows = [
    ...(playground
      ? [['Playground', `<a href="${API_PATH}">${API_PATH}</a>: try every operation in the browser`]]
      : []),
    ['API', `<code>${API_PATH}</code> (HTTP and WebSocket), <code>${API_PATH}/stream</code> (Server-Sent Events)`],
    [
      'Documentation',
      `<code>README.md</code> and <code>docs/</code> in Parley's folder${playground ? '; the playground describes the schema' : ''}`,
    ],
    ['Health', '<a href="/healthz">/healthz</a> (alive), <a href="/readyz">/readyz</a> (ready)'],
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<h1>Parley <small>${version}</small></h1>
<p>This server runs Parley, a GraphQL backend for chat with language models.</p>
<dl>
${rows.map(([term, description]) => `<dt>${term}</dt><dd>${description}</dd>`).join('\n')}
</dl>
</body>
</html>
`;
}
