import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { HttpToolConfiguration } from '../config/tools.js';
import type { Redact } from './redact.js';
import { MAX_RESULT_BYTES } from './run-tool.js';
import { sendRequest } from './send-request.js';
import { defineTool, ToolError, type Tool } from './tool.js';

/** Creates a tool of TOOLS_FILE: its URL receives the arguments, and answers with JSON. Redirects are not followed. */
export function createHttpTool(configuration: HttpToolConfiguration, redact: Redact): Tool {
  const { name, description, input, timeoutMs, allowPrivate } = configuration;
  const headers = { ...configuration.headers, accept: 'application/json', 'content-type': 'application/json' };
  return defineTool({
    name,
    description,
    input: z.fromJSONSchema(input),
    parameters: input,
    timeoutMs,
    run: async (value, { callId, userId, conversationId, signal }) => {
      const body = JSON.stringify({ input: value, userId, conversationId, callId });
      const url = new URL(configuration.url);
      const response = await sendRequest(url, { method: 'POST', headers, body, signal, allowPrivate });
      return redact(await readJson(response));
    },
  });
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
