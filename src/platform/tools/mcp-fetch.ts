import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { McpServerConfiguration } from '../config/tools.js';
import { sendRequest } from './send-request.js';
import { ToolError } from './tool.js';

/** Of one response. A list of tools is longer than a result. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** For a stream that its server does not close. */
const GRACE_MS = 5_000;

/** The signal of the call that is being made: for servers of 2025, the SDK leaves the request open when it is aborted. */
export const callSignal = new AsyncLocalStorage<AbortSignal>();

/**
 * Creates the `fetch` with which the SDK reaches one server. It adds the server's headers, so that the SDK never holds a
 * secret, and it applies the rules of all look-ups: no private address, no redirect, a limit for each response and a
 * deadline.
 */
export function createMcpFetch({ url: address, headers, timeoutMs, allowPrivate }: McpServerConfiguration) {
  const { origin } = new URL(address);
  return async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input);
    // The SDK would look up OAuth servers at other addresses, for example.
    if (url.origin !== origin) throw new Error('The request leads to another origin.');
    const given = new Headers(init.headers);
    const method = init.method ?? 'GET';
    // There is nothing to listen to between calls: the tools are listed again at intervals.
    if (method === 'GET' && !given.has('last-event-id')) return new Response(null, { status: 405 });
    const signals = [AbortSignal.timeout(timeoutMs + GRACE_MS), callSignal.getStore(), init.signal];
    const response = await sendRequest(url, {
      method,
      headers: { ...headers, ...Object.fromEntries(given) },
      body: typeof init.body === 'string' ? init.body : undefined,
      signal: AbortSignal.any(signals.filter((signal) => !!signal)),
      allowPrivate,
    });
    return toResponse(response);
  };
}

function toResponse(response: IncomingMessage): Response {
  const status = response.statusCode ?? 0;
  if (status < 200 || (status >= 300 && status < 400)) {
    response.destroy();
    throw new Error(`The MCP server responded with the status ${status}.`);
  }
  const headers = new Headers();
  for (const name of ['content-type', 'mcp-session-id', 'www-authenticate']) {
    const value = response.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  if (status === 204 || status === 205) {
    response.resume();
    return new Response(null, { status, headers });
  }
  return new Response(ReadableStream.from(limit(response)), { status, headers });
}

/** Leaving the loop closes the connection. */
async function* limit(response: IncomingMessage): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_RESPONSE_BYTES) throw new ToolError('The result is too long. Ask for less.');
    yield part;
  }
}
