import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { assertPublicHost, lookUpPublic } from '../net/public-address.js';

/** Agents of their own, because the global ones may use a proxy, which would resolve names by itself. */
const AGENTS = { 'http:': new HttpAgent({ keepAlive: false }), 'https:': new HttpsAgent({ keepAlive: false }) };

export interface RequestToTool {
  method: string;
  headers: Record<string, string>;
  body?: string | undefined;
  signal: AbortSignal;
  /** Whether the URL may lead to a private or loopback address. */
  allowPrivate: boolean;
}

/** Sends a request to a look-up of the operator's own, and resolves with the response. Redirects are not followed. */
export function sendRequest(
  url: URL,
  { method, headers, body = '', signal, allowPrivate }: RequestToTool,
): Promise<IncomingMessage> {
  if (!allowPrivate) assertPublicHost(url);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    method,
    headers: { ...headers, 'accept-encoding': 'identity', 'content-length': Buffer.byteLength(body) },
    signal,
    ...(allowPrivate ? {} : { lookup: lookUpPublic }),
  };
  const request =
    url.protocol === 'https:'
      ? httpsRequest(url, { ...options, agent: AGENTS['https:'] })
      : httpRequest(url, { ...options, agent: AGENTS['http:'] });
  request.once('error', reject);
  request.once('response', resolve);
  // After a 101, for example, there is no other event.
  request.once('close', () => reject(new Error('The connection was closed before a response arrived.')));
  request.end(body);
  return promise;
}
