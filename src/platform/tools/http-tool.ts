import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { z } from 'zod';
import type { HttpToolConfiguration } from '../config/tools.js';
import { assertPublicHost, lookUpPublic } from '../net/public-address.js';
import { MAX_RESULT_BYTES } from './run-tool.js';
import { defineTool, ToolError, type Tool } from './tool.js';

/** Agents of their own, because the global ones may use a proxy, which would resolve names by itself. */
const AGENTS = { 'http:': new HttpAgent({ keepAlive: false }), 'https:': new HttpsAgent({ keepAlive: false }) };

/** Creates a tool of TOOLS_FILE: its URL receives the arguments, and answers with JSON. Redirects are not followed. */
export function createHttpTool(configuration: HttpToolConfiguration): Tool {
  const { name, description, input, timeoutMs } = configuration;
  return defineTool({
    name,
    description,
    input: z.fromJSONSchema(input),
    parameters: input,
    timeoutMs,
    run: async (value, { callId, userId, conversationId, signal }) => {
      const body = JSON.stringify({ input: value, userId, conversationId, callId });
      const response = await post(configuration, body, signal);
      return await readJson(response);
    },
  });
}

function post(
  { url: address, headers, allowPrivate }: HttpToolConfiguration,
  body: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(address);
  if (!allowPrivate) assertPublicHost(url);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    method: 'POST',
    headers: {
      ...headers,
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
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

async function readJson(response: IncomingMessage): Promise<unknown> {
  const { statusCode } = response;
  if (statusCode === undefined || statusCode < 200 || statusCode > 299) {
    response.destroy();
    throw new Error(`The tool responded with the status ${statusCode}.`);
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    // Leaving the loop closes the connection.
    if (size > MAX_RESULT_BYTES) throw new ToolError('The result is too long. Ask for less.');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    // The error of the parser would quote the text.
    throw new Error('The tool responded with something other than JSON.');
  }
}
