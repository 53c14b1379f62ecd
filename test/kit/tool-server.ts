import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ToolRequest {
  headers: IncomingHttpHeaders;
  body: { input: Record<string, unknown>; userId: string; conversationId: string; callId: string };
}

/** An operator's look-up on a loopback port. */
export class ToolServer implements AsyncDisposable {
  /** In the order in which they arrived. */
  readonly requests: ToolRequest[] = [];
  /** Writes the response; it may never do so. */
  respond: (request: ToolRequest, response: ServerResponse) => void | Promise<void> = (_request, response) =>
    ToolServer.send(response, { stock: 3 });

  private constructor(
    readonly url: string,
    private readonly close: () => Promise<void>,
  ) {}

  static async start(): Promise<ToolServer> {
    const server = createServer((request, response) => {
      void (async () => {
        const parts: Buffer[] = [];
        for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
        const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as ToolRequest['body'];
        const received = { headers: request.headers, body };
        tools.requests.push(received);
        await tools.respond(received, response);
      })();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tools = new ToolServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}/stock`, async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    });
    return tools;
  }

  static send(response: ServerResponse, value: unknown, status = 200): void {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
