import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { isRecord } from '../platform/json/is-record.js';
import type { PromptMessage } from '../platform/model/chat-model.js';

export interface ChatMessage {
  role: PromptMessage['role'];
  /** Empty if the request has null. */
  content: string;
  tool_calls?: ToolCallOfMessage[];
  tool_call_id?: string;
}

export interface ToolCallOfMessage {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

/** The part of OpenAI's Chat Completions request that this server reads. */
export interface ChatCompletionRequest {
  model: string;
  messages: ChatMessage[];
  tools?: { type: 'function'; function: { name: string; description?: string; parameters?: unknown } }[];
  tool_choice?: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  response_format?: { type: string; json_schema?: { name: string; schema?: unknown } };
}

export interface ChatCompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** Writes one completion, streamed or as one document, in the format of OpenAI's API. */
export interface CompletionReply {
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
  /** Sends an error response in OpenAI's format; nothing may have been sent before. */
  fail(
    status: number,
    error: { message: string; code?: string | null; type?: string },
    headers?: Record<string, string>,
  ): void;
  delta(text: string): void;
  /** Sends reasoning, in the field that DeepSeek uses. */
  reasoning(text: string): void;
  /** Sends a call of a tool. */
  toolCall(name: string, args: unknown): void;
  /** Sends the last chunk, the usage if the request includes it, and `[DONE]`. */
  finish(finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls', usage: ChatCompletionUsage | null): void;
  /** Sends bytes as they are: for tests with malformed streams. */
  raw(bytes: string | Uint8Array): void;
  /** Closes the connection before the end of the response. */
  breakOff(): void;
}

export type CompletionHandler = (request: ChatCompletionRequest, reply: CompletionReply) => Promise<void>;

/** About twenty times the longest question. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * Serves a small part of OpenAI's API on a loopback port: POST /v1/chat/completions, answered by the handler, and
 * GET /v1/models. The demo model and the tests' fake provider are handlers.
 */
export async function startOpenAICompatibleServer(
  model: string,
  handler: CompletionHandler,
): Promise<{ baseUrl: string } & AsyncDisposable> {
  // Idle connections stay open: a request sent on a connection that is just being closed is lost.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    serve(model, handler, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    [Symbol.asyncDispose]: () => close(server),
  };
}

async function serve(model: string, handler: CompletionHandler, request: IncomingMessage, response: ServerResponse) {
  if (request.method === 'GET' && request.url === '/v1/models') {
    return sendJson(response, 200, { object: 'list', data: [{ id: model, object: 'model', owned_by: 'parley' }] });
  }
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
    return sendJson(response, 404, { error: { message: 'Unknown endpoint.', type: 'invalid_request_error' } });
  }
  const body = await readJson(request);
  const completion = readRequest(body);
  if (!completion) {
    return sendJson(response, 400, {
      error: { message: 'The request body is not a chat completion request.', type: 'invalid_request_error' },
    });
  }
  const disconnected = new AbortController();
  response.once('close', () => disconnected.abort());
  await handler(completion, createReply(model, completion, response, disconnected.signal));
}

function createReply(
  model: string,
  request: ChatCompletionRequest,
  response: ServerResponse,
  signal: AbortSignal,
): CompletionReply {
  const id = `chatcmpl-${Math.random().toString(36).slice(2)}`;
  const created = Math.floor(Date.now() / 1000);
  let content = '';
  let reasoning = '';
  const toolCalls: ToolCallOfMessage[] = [];

  const chunk = (choices: unknown[], usage?: ChatCompletionUsage | null) =>
    writeEvent(JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices, usage: usage ?? null }));
  const writeEvent = (data: string) => write(`data: ${data}\n\n`);
  const write = (bytes: string | Uint8Array) => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    }
    if (!response.writableEnded) response.write(bytes);
  };

  return {
    signal,
    fail(status, error, headers = {}) {
      sendJson(response, status, { error: { type: 'invalid_request_error', code: null, ...error } }, headers);
    },
    delta(text) {
      if (request.stream) chunk([{ index: 0, delta: { role: 'assistant', content: text }, finish_reason: null }]);
      else content += text;
    },
    reasoning(text) {
      if (request.stream) chunk([{ index: 0, delta: { reasoning_content: text }, finish_reason: null }]);
      else reasoning += text;
    },
    toolCall(name, args) {
      const call: ToolCallOfMessage = {
        id: `call_${randomUUID().slice(0, 8)}`,
        type: 'function',
        function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
      };
      const index = toolCalls.push(call) - 1;
      if (request.stream) chunk([{ index: 0, delta: { tool_calls: [{ index, ...call }] }, finish_reason: null }]);
    },
    finish(finishReason, usage) {
      if (request.stream) {
        chunk([{ index: 0, delta: {}, finish_reason: finishReason }]);
        if (request.stream_options?.include_usage && usage) chunk([], usage);
        writeEvent('[DONE]');
        response.end();
      } else {
        const thought = reasoning ? { reasoning_content: reasoning } : {};
        const called = toolCalls.length > 0 ? { tool_calls: toolCalls } : {};
        const message = { role: 'assistant', content, refusal: null, ...thought, ...called };
        sendJson(response, 200, {
          id,
          object: 'chat.completion',
          created,
          model,
          choices: [{ index: 0, message, finish_reason: finishReason }],
          ...(usage ? { usage } : {}),
        });
      }
    },
    raw: write,
    breakOff() {
      response.destroy();
    },
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) return null;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    return null;
  }
}

/** Returns the request with empty texts in place of null, which stands beside calls; null if it is not a request. */
function readRequest(body: unknown): ChatCompletionRequest | null {
  if (!isRecord(body) || !Array.isArray(body['messages'])) return null;
  const messages = body['messages'].map((message: unknown) =>
    isRecord(message) && message['content'] === null && message['tool_calls'] ? { ...message, content: '' } : message,
  );
  const areMessages = messages.every((message) => isRecord(message) && typeof message['content'] === 'string');
  return areMessages ? ({ ...body, messages } as unknown as ChatCompletionRequest) : null;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
