import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from '../../platform/graphql/context.js';
import { getPath } from './paths.js';

/** Returns an export as JSON lines; null if the token is unknown, expired or was used. */
export type OpenExport = (token: string, client: Client) => Promise<AsyncIterable<string> | null>;

const PREFIX = '/exports/';

/** How long a client may read nothing. */
const STALL_TIMEOUT_MS = 30_000;

export const isExportPath = (request: IncomingMessage): boolean => getPath(request).startsWith(PREFIX);

/** Serves `/exports/TOKEN`: a download, streamed at the pace of its reader. */
export async function serveExport(
  open: OpenExport,
  client: Client,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('cache-control', 'no-store');
  response.setHeader('referrer-policy', 'no-referrer');
  // A HEAD request, which some programs send to preview a link, must not use it.
  if (request.method !== 'GET')
    return void response.writeHead(405, { ...PLAIN_TEXT, allow: 'GET' }).end('Method not allowed.\n');
  const lines = await open(getPath(request).slice(PREFIX.length), client);
  if (!lines)
    return void response.writeHead(404, PLAIN_TEXT).end('This link has expired or was used. Request a new one.\n');
  response.writeHead(200, {
    'content-type': 'application/jsonl; charset=utf-8',
    'content-disposition': 'attachment; filename="parley-export.jsonl"',
  });
  response.setTimeout(STALL_TIMEOUT_MS, () => response.destroy());
  try {
    await pipeline(Readable.from(lines, { highWaterMark: 1 }), response);
  } catch (error) {
    // The client has disconnected. Any other error is logged, and the incomplete response has no last line.
    if ((error as { code?: string }).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

const PLAIN_TEXT = { 'content-type': 'text/plain; charset=utf-8' };
