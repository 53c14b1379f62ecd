import type { IncomingMessage } from 'node:http';

/** Room for the longest question with every character escaped, and then some; in bytes. */
const LARGEST = 1024 * 1024;

/**
 * How much is read of a body that is too large, in bytes: a connection that is closed with some of it unread is reset,
 * and then its client may never see why.
 */
const MOST = 16 * LARGEST;

export class BodyTooLargeError extends Error {}

/**
 * Reads a JSON body. Returns undefined for an empty one.
 * @throws BodyTooLargeError above one MiB, SyntaxError for what is no JSON.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= LARGEST) parts.push(part);
    else if (size > MOST) break;
  }
  if (size > LARGEST) throw new BodyTooLargeError();
  return size === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString('utf8'));
}
