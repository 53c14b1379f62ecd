import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import {
  createMcpHandler,
  legacyStatelessFallback,
  McpServer as SdkServer,
  type CallToolResult,
} from '@modelcontextprotocol/server';
import { z } from 'zod';

/** How a tool of the test's MCP server answers. */
export type Respond = (input: Record<string, unknown>, request: Request) => CallToolResult | Promise<CallToolResult>;

export interface McpTool {
  name: string;
  description?: string;
  annotations?: { readOnlyHint?: boolean; destructiveHint?: boolean };
}

const READ_ONLY = { annotations: { readOnlyHint: true } };

/** A server of the official SDK on a loopback port. Each of its tools takes `{"sku": string}`. */
export class McpServer implements AsyncDisposable {
  tools: McpTool[] = [{ name: 'stock', description: 'Looks up the stock.', ...READ_ONLY }];
  /** Answers instead of the SDK. */
  intercept: ((request: Request) => Response | null) | null = null;
  readonly requests: Request[] = [];
  /** Calls whose client has closed the connection before a response. */
  aborted = 0;

  private constructor(
    readonly url: string,
    public respond: Respond,
    private readonly close: () => Promise<void>,
  ) {}

  /** @param era `legacy` speaks the protocol of 2025 only */
  static async start(respond: Respond, era: 'modern' | 'legacy' = 'modern'): Promise<McpServer> {
    let request!: Request;
    const create = () => {
      const server = new SdkServer({ name: 'shop', version: '1.0.0' });
      const current = request;
      for (const { name, ...options } of mcp.tools)
        server.registerTool(name, { ...options, inputSchema: z.object({ sku: z.string() }) }, (input) =>
          mcp.respond(input, current),
        );
      return server;
    };
    const modern = createMcpHandler(create, { legacy: 'stateless' });
    const legacy = legacyStatelessFallback(create);
    const server = createServer((incoming, response) => {
      void (async () => {
        request = await toRequest(incoming);
        mcp.requests.push(request);
        response.once('close', () => (mcp.aborted += response.writableFinished ? 0 : 1));
        const answer =
          mcp.intercept?.(request) ?? (era === 'legacy' ? await legacy(request) : await modern.fetch(request));
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        await pipeline((answer.body ?? []) as AsyncIterable<Uint8Array>, response);
      })().catch(() => response.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const mcp = new McpServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, respond, async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    });
    return mcp;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function toRequest(incoming: IncomingMessage): Promise<Request> {
  const parts: Buffer[] = [];
  for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part);
  const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  const body = parts.length === 0 ? {} : { body: Buffer.concat(parts) };
  return new Request(`http://${headers.get('host')}${incoming.url}`, { method: incoming.method!, headers, ...body });
}
