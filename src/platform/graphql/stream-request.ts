import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request } from 'graphql-sse';
import { UnauthenticatedError } from '../errors/api-error.js';
import { readJsonBody } from '../http/read-body.js';
import type { RequestContext, Viewer } from './context.js';

/** What graphql-sse hands back to us with each request. */
export interface StreamCall {
  context: RequestContext;
  /** Null for what another instance has passed on: it has the client. */
  response: ServerResponse | null;
  /** Null for who has not signed in, or not well. */
  viewer: Viewer | null;
  /** Told once the operation is found good and begins. */
  begin?: () => void;
  /** The token, where the call is one of our own. */
  own?: string;
}

/** A request as graphql-sse takes it. */
export type StreamRequest = Request<null, StreamCall>;

export const TOKEN_HEADER = 'x-graphql-event-stream-token';

export const streamRequestOf = (request: IncomingMessage, call: StreamCall): StreamRequest => ({
  method: request.method!,
  url: request.url!,
  headers: { get: (name) => header(request, name) },
  // An object, or null for what is none: graphql-sse answers that with a 400.
  body: () => readJsonBody(request).catch(() => null) as Promise<Record<string, unknown> | null>,
  raw: null,
  context: call,
});

/** Names a stream of the single connection mode; null where the request gives none. */
export const tokenOf = (request: StreamRequest): string | null =>
  (request.headers.get(TOKEN_HEADER) as string | undefined) ??
  new URL(request.url, 'http://localhost').searchParams.get('token');

/** Whether it is about a stream of the single connection mode: one that is there, or a new one. */
export const isAboutStream = (request: StreamRequest): boolean => request.method === 'PUT' || tokenOf(request) !== null;

/** Whether its response becomes the stream that its token names; graphql-sse does not look at the method. */
export const opens = ({ headers }: StreamRequest): boolean => headers.get('accept') === 'text/event-stream';

/** Who calls; null for who has not signed in, or not well. @throws what keeps that from being found out */
export async function viewerOf(context: RequestContext): Promise<Viewer | null> {
  try {
    return await context.viewer();
  } catch (error) {
    if (error instanceof UnauthenticatedError) return null;
    throw error;
  }
}

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : value;
};
