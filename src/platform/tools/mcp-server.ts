import {
  Client,
  ProtocolError,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Tool as ListedTool,
} from '@modelcontextprotocol/client';
import { z } from 'zod';
import type { McpServerConfiguration } from '../config/tools.js';
import type { Logger } from '../telemetry/log.js';
import { callSignal, createMcpFetch } from './mcp-fetch.js';
import { toResult } from './mcp-result.js';
import type { Redact } from './redact.js';
import { defineTool, TOOL_NAME, ToolError, type Tool } from './tool.js';

const MAX_TOOLS = 32;
const MAX_DESCRIPTION_LENGTH = 2_000;
const MAX_SCHEMA_BYTES = 8 * 1024;
const MAX_PAGES = 8;
/** For opening a connection, and for a list of the tools. */
const TIMEOUT_MS = 5_000;

export interface McpServerOptions {
  version: string;
  redact: Redact;
  log: Logger;
}

/**
 * The tools of an MCP server that only read. It connects when it is first needed, and again after a failure: a server
 * that is unreachable costs the model a failed look-up, and nothing else.
 */
export class McpServer implements AsyncDisposable {
  #tools: readonly Tool[] = [];
  #listed = '';
  #client: Promise<Client> | null = null;

  constructor(
    private readonly configuration: McpServerConfiguration,
    private readonly options: McpServerOptions,
  ) {}

  /** Those of the last list that the server has sent. */
  get tools(): readonly Tool[] {
    return this.#tools;
  }

  /** Lists the tools. If this fails, it logs why, and the known ones remain. */
  async refresh(): Promise<void> {
    const { name } = this.configuration;
    const { log, redact } = this.options;
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const { tools } = await this.#request(
        (client) => client.listTools(undefined, { signal, cacheMode: 'refresh' }),
        signal,
      );
      const json = JSON.stringify(redact(tools));
      if (json === this.#listed) return;
      this.#listed = json;
      this.#offer(JSON.parse(json) as ListedTool[]);
    } catch (error) {
      log.warn({ err: toBriefError(error), server: name }, 'Could not list the tools of an MCP server.');
    }
  }

  #offer(listed: readonly ListedTool[]): void {
    const { name: server, allow } = this.configuration;
    const offered: Tool[] = [];
    const skipped: string[] = [];
    const names = new Set<string>();
    for (const tool of listed) {
      const name = `${server}_${tool.name.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`;
      const mayBeUsed = tool.annotations?.readOnlyHint === true || allow.includes(tool.name);
      const isUsable = mayBeUsed && TOOL_NAME.test(name) && !names.has(name) && offered.length < MAX_TOOLS;
      const input = isUsable ? toInput(tool) : null;
      if (!input) {
        if (skipped.length < MAX_TOOLS) skipped.push(tool.name.slice(0, 64));
        continue;
      }
      names.add(name);
      offered.push(this.#createTool(name, tool, input));
    }
    this.#tools = offered;
    this.options.log.info(
      { server, offered: [...names], skipped },
      'Listed the tools of an MCP server. Skipped tools do not declare that they only read, or have an unusable name or schema.',
    );
  }

  #createTool(name: string, { name: remoteName, description, inputSchema }: ListedTool, input: z.ZodType): Tool {
    const { timeoutMs } = this.configuration;
    return defineTool({
      name,
      label: this.configuration.name,
      description: (description ?? '').slice(0, MAX_DESCRIPTION_LENGTH).toWellFormed() || remoteName,
      input,
      parameters: inputSchema,
      timeoutMs,
      run: async (value, { signal }) => {
        const request = { name: remoteName, arguments: value as Record<string, unknown> };
        // The signal has the deadline.
        const options = { signal, timeout: 2 * timeoutMs };
        const result = await this.#request((client) => client.callTool(request, options), signal).catch(
          (error: unknown) => {
            if (error instanceof ProtocolError) throw new ToolError(this.options.redact(error.message.slice(0, 500)));
            throw toBriefError(error);
          },
        );
        return toResult(this.options.redact(result));
      },
    });
  }

  /** Makes a request. If the server has forgotten the session, for example after a restart, a new one is opened. */
  async #request<T>(make: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> {
    const isNew = this.#client === null;
    const connection = this.#connect();
    try {
      const client = await connection;
      return await callSignal.run(signal, () => make(client));
    } catch (error) {
      // The server has answered, or the caller has stopped waiting.
      if (error instanceof ProtocolError || error instanceof ToolError || signal.aborted) throw error;
      this.#forget(connection);
      if (isNew || !(error instanceof SdkHttpError) || error.status !== 404) throw error;
    }
    const client = await this.#connect();
    return await callSignal.run(signal, () => make(client));
  }

  #connect(): Promise<Client> {
    if (this.#client) return this.#client;
    const connection = this.#open();
    this.#client = connection;
    connection.catch(() => this.#forget(connection));
    return connection;
  }

  async #open(): Promise<Client> {
    const client = new Client(
      { name: 'parley', version: this.options.version },
      {
        capabilities: {},
        listMaxPages: MAX_PAGES,
        versionNegotiation: { mode: 'auto' },
        // The model reads results as they are, so no schema of the server is compiled.
        jsonSchemaValidator: {
          getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
        },
      },
    );
    // Each request reports its own failure.
    client.onerror = () => {};
    const transport = new StreamableHTTPClientTransport(new URL(this.configuration.url), {
      fetch: createMcpFetch(this.configuration),
    });
    try {
      await client.connect(transport, { timeout: TIMEOUT_MS, signal: AbortSignal.timeout(TIMEOUT_MS) });
      return client;
    } catch (error) {
      await client.close().catch(() => {});
      throw error;
    }
  }

  /** The next request connects anew. Others that are running still end: closing the client would end them. */
  #forget(connection: Promise<Client>): void {
    if (this.#client === connection) this.#client = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#client;
    this.#client = null;
    await connection?.then((client) => client.close()).catch(() => {});
  }
}

/** Returns null if the schema is too long or has keywords that are not supported. */
function toInput({ inputSchema }: ListedTool): z.ZodType | null {
  if (Buffer.byteLength(JSON.stringify(inputSchema)) > MAX_SCHEMA_BYTES) return null;
  try {
    return z.fromJSONSchema(inputSchema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch {
    return null;
  }
}

/** Errors of the SDK quote what the server has sent, however long it is. */
function toBriefError(error: unknown): Error {
  if (error instanceof ToolError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const status = error instanceof SdkHttpError ? ` with the status ${error.status}` : '';
  return new Error(`A request to the MCP server failed${status}. ${name}: ${message.slice(0, 200)}`);
}
