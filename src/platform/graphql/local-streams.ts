import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { PATIENCE } from './outlet.js';
import { MOST_STREAMS } from './stream-directory.js';

interface Stream {
  sessionId: string;
  /** Null while it is only reserved. */
  response: ServerResponse | null;
  expiry?: NodeJS.Timeout;
}

/**
 * The streams of the single connection mode at this instance: those that are open here, and with one instance also
 * those that are only reserved. A stream is reserved by PUT, opened by GET, and fed by POSTs.
 */
export class LocalStreams implements Disposable {
  readonly #streams = new Map<string, Stream>();

  /** The new stream's token; null where the session has too many. @param expire told when it is not opened in time */
  reserve(sessionId: string, expire: (token: string) => void): string | null {
    const mine = [...this.#streams.values()].filter((stream) => stream.sessionId === sessionId);
    if (mine.length >= MOST_STREAMS) return null;
    const token = randomUUID();
    const expiry = setTimeout(expire, PATIENCE, token).unref();
    this.#streams.set(token, { sessionId, response: null, expiry });
    return token;
  }

  /** Takes one that all instances have reserved together, and that is about to be opened here. */
  add(sessionId: string, token: string): void {
    this.#streams.set(token, { sessionId, response: null });
  }

  /** Gives a reserved stream its response; false where the session has none of that token, or it is open already. */
  open(sessionId: string, token: string, response: ServerResponse): boolean {
    const stream = this.#streams.get(token);
    if (!stream || stream.sessionId !== sessionId || stream.response) return false;
    stream.response = response;
    clearTimeout(stream.expiry);
    return true;
  }

  remove(token: string): void {
    this.#streams.delete(token);
  }

  has(token: string): boolean {
    return this.#streams.has(token);
  }

  belongsTo(sessionId: string, token: string): boolean {
    return this.#streams.get(token)?.sessionId === sessionId;
  }

  /** Null while it is not open, or no more. */
  responseOf(token: string): ServerResponse | null {
    return this.#streams.get(token)?.response ?? null;
  }

  [Symbol.dispose](): void {
    for (const { expiry } of this.#streams.values()) clearTimeout(expiry);
  }
}
