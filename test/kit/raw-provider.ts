import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { PromptMessage } from '../../src/platform/model/chat-model.js';

export type RawHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  body: { messages: PromptMessage[] } & Record<string, unknown>,
) => void | Promise<void>;

/** A provider whose responses a test writes byte by byte. */
export class RawProvider implements AsyncDisposable {
  /** The bodies of the requests, in order. */
  readonly bodies: Parameters<RawHandler>[2][] = [];

  private constructor(
    readonly baseUrl: string,
    private readonly close: () => Promise<void>,
  ) {}

  static async start(handler: RawHandler): Promise<RawProvider> {
    const listener: RequestListener = (request, response) => void respond(request, response);
    const server = createServer(listener);
    server.on('upgrade', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const provider = new RawProvider(url, async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    });
    const respond = async (request: IncomingMessage, response: ServerResponse) => {
      const parts: Buffer[] = [];
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
      const text = Buffer.concat(parts).toString('utf8');
      const body = (text === '' ? {} : JSON.parse(text)) as Parameters<RawHandler>[2];
      provider.bodies.push(body);
      await handler(request, response, body);
    };
    return provider;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Returns the event of a chunk with this text. */
export const textEvent = (content: unknown, more: object = {}): string =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more });

/** Returns the event of a chunk with this finish reason. */
export const finishEvent = (reason: string, more: object = {}): string =>
  event({ choices: [{ index: 0, delta: {}, finish_reason: reason }], ...more });

export const event = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

export const DONE = event('[DONE]');
