import { z } from 'zod';
import type { Logger } from '../../src/platform/telemetry/log.js';
import { createHttpTool } from '../../src/platform/tools/http-tool.js';
import { McpServer as McpClient } from '../../src/platform/tools/mcp-server.js';
import { createRedact } from '../../src/platform/tools/redact.js';
import { readArguments, runTool } from '../../src/platform/tools/run-tool.js';
import { defineTool, ToolError, type Tool } from '../../src/platform/tools/tool.js';
import { McpServer } from '../kit/mcp-server.js';
import { ToolServer } from '../kit/tool-server.js';
import { until } from '../kit/until.js';

const SECRET = 'a "key" of the shop';
const redact = createRedact([SECRET]);
const headers = { authorization: SECRET };
/** Long enough for every call that ends by itself. */
const TIMEOUT_MS = 60_000;

/** A tool that looks up what its `sku` says, and what the test may observe of it. */
interface Subject extends AsyncDisposable {
  tool: Tool;
  /** How often it was called. */
  calls: () => number;
  /** How many calls it has seen aborted. */
  aborted: () => number;
}

interface Settings {
  timeoutMs: number;
  allowPrivate: boolean;
  /** Where the server redirects every request. */
  redirect?: string;
}

const DEFAULTS: Settings = { timeoutMs: TIMEOUT_MS, allowPrivate: true };
const never = new Promise<never>(() => {});
const RESULTS: Record<string, unknown> = { 'T-1': { stock: 3 }, long: 'x'.repeat(65_536) };

function createInCode({ timeoutMs }: Settings): Promise<Subject> {
  let calls = 0;
  let aborted = 0;
  const tool = defineTool({
    name: 'shop_stock',
    description: 'Looks up the stock.',
    input: z.object({ sku: z.string() }),
    timeoutMs,
    run: async ({ sku }, { signal }) => {
      calls += 1;
      signal.addEventListener('abort', () => (aborted += 1));
      if (sku === 'slow') await never;
      if (sku === 'known error') throw new ToolError('There is no such order.');
      if (sku === 'broken') throw new Error(`cannot use ${SECRET}`);
      return RESULTS[sku];
    },
  });
  return Promise.resolve({
    tool,
    calls: () => calls,
    aborted: () => aborted,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

async function createOverHttp({ redirect, ...settings }: Settings): Promise<Subject> {
  const server = await ToolServer.start();
  let aborted = 0;
  server.respond = ({ body, headers: given }, response) => {
    const sku = body.input['sku'] as string;
    response.once('close', () => (aborted += response.writableFinished ? 0 : 1));
    if (redirect) response.writeHead(307, { location: redirect }).end();
    else if (sku === 'slow') return;
    else if (sku === 'known error') ToolServer.send(response, { error: 'There is no such order.' });
    else if (sku === 'broken') ToolServer.send(response, { message: given.authorization }, 500);
    else ToolServer.send(response, sku === 'echo' ? { given } : RESULTS[sku]);
  };
  const input = { type: 'object', properties: { sku: { type: 'string' } }, required: ['sku'] };
  const definition = { name: 'shop_stock', description: 'Looks up the stock.', input };
  const tool = createHttpTool({ ...definition, url: server.url, headers, ...settings }, redact);
  return {
    tool,
    calls: () => server.requests.length,
    aborted: () => aborted,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const createOverMcp =
  (era: 'modern' | 'legacy') =>
  async ({ redirect, ...settings }: Settings): Promise<Subject> => {
    let calls = 0;
    const text = (value: unknown, isError = false) => ({
      content: [{ type: 'text' as const, text: typeof value === 'string' ? value : JSON.stringify(value) }],
      isError,
    });
    const server = await McpServer.start(async ({ sku }, request) => {
      calls += 1;
      if (sku === 'slow') await never;
      if (sku === 'known error') return text('There is no such order.', true);
      if (sku === 'broken') return text(`cannot use ${SECRET}`, true);
      return text(sku === 'echo' ? { given: Object.fromEntries(request.headers) } : RESULTS[sku as string]);
    }, era);
    const create = (more: Settings) => {
      const configuration = { name: 'shop', url: server.url, headers, allow: [], ...more };
      return new McpClient(configuration, { version: '1.0.0', redact, log: silent.log });
    };
    const silent = createLog();
    // The list is what a server with private addresses or redirects had sent before.
    const client = create({ ...settings, allowPrivate: true });
    await client.refresh();
    let [tool] = client.tools;
    if (!settings.allowPrivate) {
      const strict = create(settings);
      await strict.refresh();
      expect(strict.tools).toEqual([]);
      tool = defineTool({
        ...tool!,
        run: () => {
          throw new Error('The server was not reached.');
        },
      });
      expect(server.requests.every(({ method }) => method === 'POST')).toBe(true);
    }
    if (redirect) server.intercept = () => new Response(null, { status: 307, headers: { location: redirect } });
    return {
      tool: tool!,
      calls: () => calls,
      aborted: () => server.aborted,
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  };

function createLog() {
  const lines: unknown[] = [];
  const write = (...line: unknown[]) =>
    void lines.push(line.map((part) => JSON.stringify(part, (_, value: unknown) => toPlain(value))));
  return { lines, log: { warn: write, info: write } as unknown as Logger };
}

const toPlain = (value: unknown) => (value instanceof Error ? { message: value.message, stack: value.stack } : value);

const CONTEXT = { callId: 'call', userId: 'user', conversationId: 'conversation' };

const call = async (tool: Tool | undefined, given: unknown, log: Logger, signal = new AbortController().signal) => {
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  const { isSuccess, result } = await runTool(tool, readArguments(text), { ...CONTEXT, signal }, log);
  return { isSuccess, result: JSON.parse(result) as unknown };
};

const fail = (error: unknown) => ({ isSuccess: false, result: { error } });

describe.each([
  ['in code', createInCode, false],
  ['over HTTP', createOverHttp, true],
  ['of an MCP server', createOverMcp('modern'), true],
  ['of an MCP server of 2025', createOverMcp('legacy'), true],
] as const)('a tool %s', (_kind, create, isRemote) => {
  const { log, lines } = createLog();
  let subject: Subject;
  beforeAll(async () => void (subject = await create(DEFAULTS)));
  afterAll(() => subject[Symbol.asyncDispose]());

  test('returns its result', async () => {
    expect(await call(subject.tool, { sku: 'T-1' }, log)).toEqual({ isSuccess: true, result: { stock: 3 } });
  });

  test.each([
    ['of another type', { sku: 7 }, expect.stringMatching(/^Invalid arguments. sku: /)],
    ['that are not JSON', '{"sku":', 'The arguments are not a JSON object.'],
    ['that are a list', '[]', 'The arguments are not a JSON object.'],
  ])('is not called with arguments %s', async (_what, given, message) => {
    const before = subject.calls();
    expect(await call(subject.tool, given, log)).toEqual(fail(message));
    expect(subject.calls()).toBe(before);
  });

  test('an unknown name is an error', async () => {
    expect(await call(undefined, { sku: 'T-1' }, log)).toEqual(fail('There is no tool with this name.'));
  });

  test('tells of an expected failure', async () => {
    const { result } = await call(subject.tool, { sku: 'known error' }, log);
    expect(result).toEqual({ error: 'There is no such order.' });
  });

  test('may not return more than 64 kB', async () => {
    expect(await call(subject.tool, { sku: 'long' }, log)).toEqual(fail('The result is too long. Ask for less.'));
  });

  test('has a deadline', async () => {
    await using hasty = await create({ ...DEFAULTS, timeoutMs: 200 });
    expect(await call(hasty.tool, { sku: 'slow' }, log)).toEqual(fail('The look-up took too long.'));
    await until(() => hasty.aborted() === 1);
  });

  test('is closed when the answer is stopped', async () => {
    const stop = new AbortController();
    const before = subject.calls();
    const stopped = call(subject.tool, { sku: 'slow' }, log, stop.signal);
    await until(() => subject.calls() > before);
    stop.abort();
    expect(await stopped).toEqual(fail('interrupted'));
    await until(() => subject.aborted() === 1);
    // Others still work.
    expect(await call(subject.tool, { sku: 'T-1' }, log)).toMatchObject({ isSuccess: true });
  });

  test('does not reveal a secret to the model', async () => {
    const { result } = await call(subject.tool, { sku: 'broken' }, log);
    expect(JSON.stringify(result)).not.toContain('key');
    if (!isRemote) return;
    const echoed = await call(subject.tool, { sku: 'echo' }, log);
    expect(echoed).toMatchObject({ isSuccess: true, result: { given: { authorization: '[secret]' } } });
    // The log removes secrets from errors itself.
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  if (!isRemote) return;

  test('is not reached at a private address', async () => {
    await using hidden = await create({ ...DEFAULTS, allowPrivate: false });
    expect(await call(hidden.tool, { sku: 'T-1' }, log)).toEqual(fail('The look-up failed.'));
    expect(hidden.calls()).toBe(0);
  });

  test('does not follow a redirect', async () => {
    await using target = await ToolServer.start();
    await using moved = await create({ ...DEFAULTS, redirect: target.url });
    expect(await call(moved.tool, { sku: 'T-1' }, log)).toEqual(fail('The look-up failed.'));
    expect(target.requests).toEqual([]);
  });
});

describe('an MCP server', () => {
  const text = { content: [{ type: 'text' as const, text: '{"stock":3}' }] };

  test('offers only tools that declare that they only read, and those that are allowed', async () => {
    await using server = await McpServer.start(() => text);
    server.tools = [
      { name: 'stock', annotations: { readOnlyHint: true } },
      { name: 'order', annotations: { readOnlyHint: false, destructiveHint: true } },
      { name: 'search.all' },
      { name: 'unknown' },
      { name: 'x'.repeat(64), annotations: { readOnlyHint: true } },
    ];
    const { log, lines } = createLog();
    const options = { headers: {}, timeoutMs: TIMEOUT_MS, allowPrivate: true, allow: ['search.all'] };
    const configuration = { name: 'shop', url: server.url, ...options };
    await using client = new McpClient(configuration, { version: '1.0.0', redact, log });
    await client.refresh();
    expect(client.tools.map(({ name }) => name)).toEqual(['shop_stock', 'shop_search_all']);
    expect(JSON.stringify(lines)).toContain('order');

    // A tool keeps its identity, because what is known of it is cached.
    const [before] = client.tools;
    await client.refresh();
    expect(client.tools[0]).toBe(before);
    server.tools = [{ name: 'price', annotations: { readOnlyHint: true } }];
    await client.refresh();
    expect(client.tools.map(({ name }) => name)).toEqual(['shop_price']);
  });

  test('that is gone costs a look-up, and is used again when it is back', async () => {
    await using server = await McpServer.start(() => text);
    const { log } = createLog();
    const options = { headers: {}, timeoutMs: TIMEOUT_MS, allowPrivate: true, allow: [] };
    await using client = new McpClient({ name: 'shop', url: server.url, ...options }, { version: '1', redact, log });
    await client.refresh();
    const [tool] = client.tools;
    server.intercept = () => new Response('down', { status: 503 });
    expect(await call(tool, { sku: 'a' }, log)).toEqual(fail('The look-up failed.'));
    await client.refresh();
    expect(client.tools).toEqual([tool]);
    // The session is unknown once, as after a restart.
    let isForgotten = true;
    server.intercept = null;
    expect(await call(tool, { sku: 'a' }, log)).toMatchObject({ isSuccess: true });
    server.intercept = () => (isForgotten ? ((isForgotten = false), new Response('unknown', { status: 404 })) : null);
    expect(await call(tool, { sku: 'a' }, log)).toMatchObject({ isSuccess: true, result: { stock: 3 } });
  });

  test('cannot send a response without end', async () => {
    await using server = await McpServer.start(() => text);
    const { log } = createLog();
    const options = { headers: {}, timeoutMs: TIMEOUT_MS, allowPrivate: true, allow: [] };
    await using client = new McpClient({ name: 'shop', url: server.url, ...options }, { version: '1', redact, log });
    await client.refresh();
    const [tool] = client.tools;
    const part = new TextEncoder().encode(' '.repeat(64 * 1024));
    const body = () => new ReadableStream({ pull: (controller) => controller.enqueue(part) });
    server.intercept = () => new Response(body(), { headers: { 'content-type': 'application/json' } });
    expect(await call(tool, { sku: 'a' }, log)).toEqual(fail('The result is too long. Ask for less.'));
  });
});
