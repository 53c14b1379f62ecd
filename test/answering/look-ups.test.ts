import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProductData } from '../../src/catalogue/product-input.js';
import { ProductService } from '../../src/catalogue/product.service.js';
import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { McpServer } from '../kit/mcp-server.js';
import { event } from '../kit/raw-provider.js';
import { TestServer } from '../kit/server.js';
import { ToolServer } from '../kit/tool-server.js';
import { until } from '../kit/until.js';
import { Message } from '../../src/messages/message.entity.js';
import { Inbox } from '../kit/inbox.js';
import type { ApiClient } from '../kit/user.js';

const product = (sku: string, title: string, price: number): ProductData => ({
  sku,
  title,
  description: 'Waterproof.',
  url: null,
  imageUrl: null,
  price,
  currency: 'EUR',
  available: true,
  categories: ['Tents'],
  attributes: [],
});

const PRODUCTS = [product('T-1', 'Fern tent', 28_900), product('T-2', 'Moss tent', 19_900)];

interface ToolCall {
  id: string;
  name: string;
  state: string;
  arguments: string;
  result: string | null;
  offset: number;
}

type Event =
  | { __typename: 'AnswerDelta'; offset: number; text: string }
  | { __typename: 'ToolCallChanged'; toolCall: ToolCall }
  | { __typename: 'AnswerFinished'; answer: { status: string; content: string; toolCalls: ToolCall[] } };

const CALL = 'id name state arguments result offset';
const FOLLOW = `subscription ($answerId: ID!, $offset: Int) { answerStream(answerId: $answerId, offset: $offset) {
  __typename ... on AnswerDelta { offset text } ... on ToolCallChanged { toolCall { ${CALL} } }
  ... on AnswerFinished { answer { status content toolCalls { ${CALL} } } } } }`;

/** Follows an answer with its look-ups. */
class CallFollower extends Inbox<Event> {
  text = '';
  readonly calls = new Map<string, ToolCall>();

  override push(event: Event): void {
    if (event.__typename === 'AnswerDelta') this.text = this.text.slice(0, event.offset) + event.text;
    else if (event.__typename === 'ToolCallChanged') this.calls.set(event.toolCall.id, event.toolCall);
    super.push(event);
  }

  async untilCalls(condition: (calls: ToolCall[]) => boolean): Promise<void> {
    while (!condition([...this.calls.values()]))
      if ((await this.next()) === null) throw new Error('The stream ended before the calls were as expected.');
  }
}

function followCalls(user: ApiClient, answerId: string): CallFollower {
  const follower = new CallFollower();
  user.subscribe(
    FOLLOW,
    { answerId },
    {
      next: (data) => follower.push((data as { answerStream: Event }).answerStream),
      error: (error) => follower.fail(error),
      complete: () => follower.close(),
    },
  );
  return follower;
}

const readCalls = async (user: ApiClient, id: string) =>
  (
    await user.request<{ message: { status: string; content: string; finishReason: string; toolCalls: ToolCall[] } }>(
      `query ($id: ID!) { message(id: $id) { status content finishReason usage { promptTokens completionTokens estimated }
        error { code } toolCalls { ${CALL} } } }`,
      { id },
    )
  ).message;

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

function requestCalls(call: Call, ...calls: [name: string, args: unknown][]): void {
  for (const [name, args] of calls) call.toolCall(name, args);
  call.finish('tool_calls', USAGE);
}

const STOCK_KEY = 'a-key-of-the-shop';
const STOP = 'mutation ($id: ID!) { stopAnswer(input: { answerId: $id }) { id } }';
const INTERRUPTED = { state: 'FAILED', result: '{"error":"interrupted"}' };

/** Writes a TOOLS_FILE. `hidden` may not be reached. */
function writeTools(folder: string, url: string, mcpUrl?: string): string {
  const input = { type: 'object', properties: { sku: { type: 'string' } }, required: ['sku'] };
  const tool = { description: 'Looks up the stock.', input, url, headers: { authorization: 'Bearer ${STOCK_KEY}' } };
  const path = join(folder, 'tools.json');
  const tools = [
    { name: 'stock', ...tool, timeout: '60s', allowPrivate: true },
    { name: 'hasty', ...tool, timeout: '100ms', allowPrivate: true },
    { name: 'hidden', ...tool },
  ];
  const server = { name: 'shop', url: mcpUrl, headers: { authorization: '${STOCK_KEY}' }, allowPrivate: true };
  writeFileSync(path, JSON.stringify({ tools, mcp: mcpUrl ? [server] : [] }));
  return path;
}

describe('look-ups', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test('offers no tools while the catalogue is empty', async () => {
    const jane = await server.user();
    await jane.ask('A tent', { stream: false });
    expect(server.provider.requests.at(-1)).not.toHaveProperty('tools');
  });

  describe('with a catalogue', () => {
    beforeAll(() => new ProductService().import(server.em, PRODUCTS));

    test('one answer grows before, between and after two rounds of calls', async () => {
      const jane = await server.user();
      const first = server.provider.takeCall();
      const { answer } = await jane.ask('A tent');
      const follower = followCalls(jane, answer.id);
      const one = await first;
      expect(one.request.tools?.map((tool) => tool.function.name)).toEqual(['searchProducts', 'getProduct']);
      expect(one.request.tool_choice).toBe('auto');
      one.delta('Let me look.');
      const second = server.provider.takeCall();
      requestCalls(one, ['searchProducts', { query: 'tent' }], ['getProduct', { sku: 'T-2' }]);
      const two = await second;
      const [asked, ...results] = two.request.messages.slice(-3);
      expect(asked).toMatchObject({ role: 'assistant', content: 'Let me look.' });
      expect(asked!.tool_calls!.map(({ id }) => id)).toEqual(results.map(({ tool_call_id: id }) => id));
      expect(JSON.parse(results[0]!.content)).toMatchObject({
        exact: true,
        products: [{ sku: 'T-1', price: { amount: '289.00', currency: 'EUR' } }, { sku: 'T-2' }],
      });
      expect(JSON.parse(results[1]!.content)).toMatchObject({ product: { title: 'Moss tent' } });
      two.delta('The Moss tent.');
      FakeProvider.done(two);

      await follower.rest();
      const content = 'Let me look.\n\nThe Moss tent.';
      expect(follower.text).toBe(content);
      const stored = await readCalls(jane, answer.id);
      expect(stored).toMatchObject({
        status: 'COMPLETED',
        content,
        finishReason: 'STOP',
        usage: { promptTokens: 22, completionTokens: 14, estimated: false },
      });
      expect(stored.toolCalls).toMatchObject([
        { name: 'searchProducts', state: 'DONE', offset: 12, arguments: '{"query":"tent"}' },
        { name: 'getProduct', state: 'DONE', offset: 12, result: results[1]!.content },
      ]);
      expect([...follower.calls.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(stored.toolCalls);
      expect(follower.all.at(-1)).toMatchObject({ answer: { toolCalls: stored.toolCalls } });
    });
  });

  test('the demo model answers with products that it has looked up', async () => {
    await using demo = await TestServer.start({ OPENAI_BASE_URL: '' });
    await new ProductService().import(demo.em, PRODUCTS);
    const jane = await demo.user();
    const { answer, conversation } = await jane.ask('Do you have a moss tent?', { stream: false });
    expect(answer.content).toContain('suggest the Moss tent for 199 euros. Waterproof.');
    const price = await jane.ask('How much is it?', { conversationId: conversation.id, stream: false });
    expect(price.answer.content).toContain('The Moss tent costs 199 euros');
    expect((await readCalls(jane, answer.id)).toolCalls).toMatchObject([
      { name: 'searchProducts', state: 'DONE', arguments: '{"query":"moss tent","limit":5}' },
    ]);
    expect((await readCalls(jane, price.answer.id)).toolCalls).toMatchObject([
      { arguments: '{"query":"Moss tent","limit":5}' },
    ]);
    const all = await jane.ask('Do you sell boats?', { conversationId: conversation.id, stream: false });
    expect(all.answer.content).toContain('On the shelf are: the Fern tent (289 euros), the Moss tent (199 euros).');
    expect((await readCalls(jane, all.answer.id)).toolCalls).toHaveLength(2);
  });

  describe("with a look-up of the operator's own", () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-'));
    let tools: ToolServer;
    let mcp: McpServer;
    let own: TestServer;
    let jane: ApiClient & { id: string };
    beforeAll(async () => {
      tools = await ToolServer.start();
      mcp = await McpServer.start((_input, { headers }) => ({
        content: [{ type: 'text', text: JSON.stringify({ stock: 5, for: headers.get('authorization') }) }],
      }));
      own = await TestServer.start({ TOOLS_FILE: writeTools(folder, tools.url, mcp.url), STOCK_KEY });
      jane = await own.user();
    });
    afterAll(async () => {
      await own[Symbol.asyncDispose]();
      await tools[Symbol.asyncDispose]();
      await mcp[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });
    beforeEach(() => {
      tools.requests.length = 0;
      tools.respond = (_request, response) => ToolServer.send(response, { stock: 3 });
    });

    /** Asks, and resolves with the answer's id and the first request to the model. */
    async function ask(server = own, user: ApiClient = jane) {
      const taken = server.provider.takeCall();
      const { answer, conversation } = await user.ask('Is it in stock?');
      return { id: answer.id, conversationId: conversation.id, call: await taken };
    }

    /** Requests calls and resolves with the next request to the model, and with the results in it. */
    async function request(call: Call, ...calls: [string, unknown][]) {
      const taken = own.provider.takeCall();
      requestCalls(call, ...calls);
      const next = await taken;
      const { messages } = next.request;
      const from = messages.findLastIndex(({ tool_calls: given }) => given !== undefined);
      return { next, results: messages.slice(from + 1).map(({ content }) => JSON.parse(content) as unknown) };
    }

    test('the tool receives the arguments and its secret, which neither the model nor the log does', async () => {
      const { id, conversationId, call } = await ask();
      const { next, results } = await request(call, ['stock', { sku: 'T-1' }]);
      expect(results).toEqual([{ stock: 3 }]);
      next.delta('Three.');
      FakeProvider.done(next);
      await jane.follow(id).rest();
      const [stored] = (await readCalls(jane, id)).toolCalls;
      expect(tools.requests[0]!.headers).toMatchObject({ authorization: `Bearer ${STOCK_KEY}` });
      expect(tools.requests[0]!.body).toEqual({
        input: { sku: 'T-1' },
        userId: jane.id,
        conversationId,
        callId: stored!.id,
      });
      expect(JSON.stringify([own.provider.requests, own.logged])).not.toContain(STOCK_KEY);
    });

    test('the tools of an MCP server are offered and called', async () => {
      const { id, call } = await ask();
      expect(call.request.tools!.map((tool) => tool.function.name)).toEqual(['stock', 'hasty', 'hidden', 'shop_stock']);
      const { next, results } = await request(call, ['shop_stock', { sku: 'T-1' }], ['shop_stock', { sku: 7 }]);
      expect(results).toEqual([
        { stock: 5, for: '[secret]' },
        { error: expect.stringMatching(/^Invalid arguments. sku: /) },
      ]);
      expect(mcp.requests.at(-1)!.headers.get('authorization')).toBe(STOCK_KEY);
      FakeProvider.done((next.delta('Five.'), next));
      await jane.follow(id).rest();
      expect((await readCalls(jane, id)).toolCalls).toMatchObject([{ state: 'DONE' }, { state: 'FAILED' }]);
      expect(JSON.stringify([own.provider.requests, own.logged])).not.toContain(STOCK_KEY);
    });

    const stock = (sku: string) => ({ name: 'stock', arguments: JSON.stringify({ sku }) });
    test.each<[string, object[], ('stop' | 'tool_calls')?]>([
      [
        'with `finish_reason: stop`',
        ['a', 'b'].map((sku, index) => ({ tool_calls: [{ index, id: sku, function: stock(sku) }] })),
        'stop',
      ],
      [
        'as function_call, in pieces',
        [
          { function_call: { name: 'stock', arguments: '{"sku":' } },
          { function_call: { arguments: '"a"}' } },
          { function_call: stock('b') },
        ],
      ],
      [
        'with objects as arguments',
        [
          { tool_calls: [{ index: 0, id: 'a', function: { name: 'stock', arguments: { sku: 'a' } } }] },
          { tool_calls: [{ index: 1, id: 'b', function: { name: 'stock', arguments: { sku: 'b' } } }] },
        ],
      ],
      ['without ids', ['a', 'b'].map((sku, index) => ({ tool_calls: [{ index, function: stock(sku) }] }))],
      ['without indexes', ['a', 'b'].map((sku) => ({ tool_calls: [{ id: sku, function: stock(sku) }] }))],
      ['in one chunk', [{ tool_calls: ['a', 'b'].map((sku) => ({ function: stock(sku) })) }]],
      [
        'in pieces that alternate',
        [
          {
            tool_calls: [0, 1].map((index) => ({ index, id: `${index}`, function: { name: 'stock', arguments: '' } })),
          },
          { tool_calls: [0, 1].map((index) => ({ index, function: { arguments: '{"sku":' } })) },
          { tool_calls: [0, 1].map((index) => ({ index, function: { arguments: index === 0 ? '"a"}' : '"b"}' } })) },
        ],
      ],
    ])('understands calls %s', async (_how, deltas, finishReason = 'tool_calls') => {
      tools.respond = ({ body }, response) => ToolServer.send(response, body.input);
      const { id, call } = await ask();
      const taken = own.provider.takeCall();
      for (const delta of deltas) call.raw(event({ choices: [{ index: 0, delta, finish_reason: null }] }));
      call.finish(finishReason, USAGE);
      const next = await taken;
      const [asked, ...results] = next.request.messages.slice(-3);
      expect(results.map(({ content }) => JSON.parse(content) as unknown)).toEqual([{ sku: 'a' }, { sku: 'b' }]);
      const ids = asked!.tool_calls!.map((given) => given.id);
      expect(new Set(ids).size).toBe(2);
      expect(results.map((result) => result.tool_call_id)).toEqual(ids);
      FakeProvider.done((next.delta('Done.'), next));
      await jane.follow(id).rest();
      expect(await readCalls(jane, id)).toMatchObject({
        status: 'COMPLETED',
        toolCalls: [
          { state: 'DONE', arguments: '{"sku":"a"}' },
          { state: 'DONE', arguments: '{"sku":"b"}' },
        ],
      });
    });

    test('the calls of a round run side by side', async () => {
      const waiting: (() => void)[] = [];
      tools.respond = ({ body }, response) => {
        waiting.push(() => ToolServer.send(response, body.input));
        if (waiting.length === 3) for (const send of waiting.reverse()) send();
      };
      const { id, call } = await ask();
      const { next, results } = await request(
        call,
        ['stock', { sku: 'a' }],
        ['stock', { sku: 'b' }],
        ['stock', { sku: 'c' }],
      );
      expect(results).toEqual([{ sku: 'a' }, { sku: 'b' }, { sku: 'c' }]);
      FakeProvider.done((next.delta('Done.'), next));
      await jane.follow(id).rest();
    });

    test('what is wrong with a call is told to the model', async () => {
      tools.respond = ({ body: { input } }, response) => {
        if (input['sku'] === 'slow') return;
        if (input['sku'] === 'moved') {
          response.writeHead(307, { location: tools.url });
          response.end();
        } else if (input['sku'] === 'long') ToolServer.send(response, 'x'.repeat(65_536));
        else response.end('<html>');
      };
      const { id, call } = await ask();
      const { next, results } = await request(
        call,
        ['stock', { sku: 7 }],
        ['stock', '{"sku":'],
        ['delete', {}],
        ['hasty', { sku: 'slow' }],
        ['stock', { sku: 'moved' }],
        ['stock', { sku: 'long' }],
        ['stock', { sku: 'html' }],
        ['hidden', { sku: 'x' }],
      );
      expect(results).toEqual([
        { error: expect.stringMatching(/^Invalid arguments. sku: /) },
        { error: 'The arguments are not a JSON object.' },
        { error: 'There is no tool with this name.' },
        { error: 'The look-up took too long.' },
        { error: 'The look-up failed.' },
        { error: 'The result is too long. Ask for less.' },
        { error: 'The look-up failed.' },
        { error: 'The look-up failed.' },
      ]);
      expect(tools.requests.map(({ body }) => body.input['sku'])).not.toContain('x');
      FakeProvider.done((next.delta('Sorry.'), next));
      await jane.follow(id).rest();
      const { toolCalls } = await readCalls(jane, id);
      expect(toolCalls.map(({ state, result }) => [state, JSON.parse(result!)])).toEqual(
        results.map((result) => ['FAILED', result]),
      );
      expect(toolCalls[1]!.arguments).toBe('{"sku":');
    });

    test.each([
      ['with its text', 'Well. ', { status: 'COMPLETED', content: 'Well. ', error: null }],
      ['without text as a failure', '', { status: 'FAILED', content: '', error: { code: 'OUTPUT_LIMIT' } }],
    ])('after six rounds the model must answer; otherwise the answer ends %s', async (_how, text, expected) => {
      const { id, call } = await ask();
      let next = call;
      next.delta(text);
      for (let round = 0; round < 6; round += 1) {
        expect(next.request.tool_choice).toBe('auto');
        ({ next } = await request(next, ['stock', { sku: 'a' }]));
      }
      expect(next.request.tool_choice).toBe('none');
      requestCalls(next, ['stock', { sku: 'a' }]);
      await jane.follow(id).rest();
      const stored = await readCalls(jane, id);
      const usage = { promptTokens: 7 * 11, completionTokens: 7 * 7, estimated: false };
      expect(stored).toMatchObject({ ...expected, finishReason: 'TOOL_LIMIT', usage });
      expect(stored.toolCalls).toHaveLength(6);
    });

    test('at most twelve calls run; then the model must answer', async () => {
      const { id, call } = await ask();
      const many = Array.from({ length: 20 }, (_, i): [string, unknown] => ['stock', { sku: `${i}` }]);
      const { next, results } = await request(call, ...many);
      expect(results).toHaveLength(12);
      expect(next.request.tool_choice).toBe('none');
      FakeProvider.done((next.delta('Enough.'), next));
      await jane.follow(id).rest();
      expect(await readCalls(jane, id)).toMatchObject({
        status: 'COMPLETED',
        finishReason: 'STOP',
        content: 'Enough.',
      });
      expect(tools.requests).toHaveLength(12);
    });

    test('a stop closes a running call, and its followers see it', async () => {
      tools.respond = ({ body: { input } }, response) => {
        if (input['sku'] !== 'slower') ToolServer.send(response, 1);
      };
      const { id, call } = await ask();
      const follower = followCalls(jane, id);
      call.delta('Wait');
      requestCalls(call, ['stock', { sku: 'fast' }], ['stock', { sku: 'slower' }]);
      await follower.untilCalls((calls) => calls.some(({ state }) => state === 'DONE'));
      expect(await readCalls(jane, id)).toMatchObject({
        status: 'STREAMING',
        toolCalls: [{ state: 'DONE' }, { state: 'RUNNING', result: null, offset: 4 }],
      });
      await jane.request(STOP, { id });
      await follower.rest();
      const stored = await readCalls(jane, id);
      expect(stored).toMatchObject({ status: 'STOPPED', content: 'Wait', toolCalls: [{ state: 'DONE' }, INTERRUPTED] });
      expect([...follower.calls.values()]).toEqual(expect.arrayContaining(stored.toolCalls));
    });

    test('an answer whose lease was lost is taken over with its calls closed', async () => {
      tools.respond = () => {};
      const { id, call } = await ask();
      call.delta('Wait');
      const follower = followCalls(jane, id);
      requestCalls(call, ['stock', { sku: 'slow' }]);
      await follower.untilCalls((calls) => calls.some(({ state }) => state === 'RUNNING'));
      await own.em.nativeUpdate(Message, { id }, { leaseOwner: randomUUID(), leaseExpiresAt: new Date(1) });
      await follower.rest();
      expect(await readCalls(jane, id)).toMatchObject({
        status: 'FAILED',
        content: 'Wait',
        error: { code: 'INTERRUPTED' },
        toolCalls: [INTERRUPTED],
      });
    });

    test('a shutdown closes running calls', async () => {
      tools.respond = () => {};
      await using ending = await TestServer.start({ TOOLS_FILE: writeTools(folder, tools.url), STOCK_KEY });
      const john = await ending.user();
      const { id, call } = await ask(ending, john);
      requestCalls(call, ['stock', { sku: 'slow' }]);
      await until(() => tools.requests.length === 1);
      for (const { services } of ending.instances) await services.engine.drain(0);
      expect(await readCalls(john, id)).toMatchObject({
        status: 'FAILED',
        error: { code: 'INTERRUPTED' },
        toolCalls: [INTERRUPTED],
      });
    });

    test('a provider without tools is told of the products that suit the question', async () => {
      await using simple = await TestServer.start();
      await new ProductService().import(simple.em, PRODUCTS);
      // Each instance learns for itself.
      const john = simple.client((await simple.user()).accessToken, simple.server.url);
      const taken = simple.provider.takeCall();
      const { answer } = await john.ask('Do you have a moss tent for me?');
      const refused = await taken;
      expect(refused.request.tools).toHaveLength(2);
      const repeated = simple.provider.takeCall();
      refused.fail(400, { message: 'registry.ollama.ai/library/gemma does not support tools' });
      const call = await repeated;
      expect(call.request).not.toHaveProperty('tools');
      const [system] = call.request.messages;
      const [, json] = /<catalogue>\n([^]*)\n<\/catalogue>$/.exec(system!.content)!;
      expect(JSON.parse(json!)).toMatchObject([{ sku: 'T-2' }, { sku: 'T-1' }]);
      FakeProvider.done((call.delta('Yes.'), call));
      await john.follow(answer.id).rest();
      // It is known from now on.
      await john.ask('And a fern tent?', { stream: false });
      const { messages, tools: offered } = simple.provider.requests.at(-1)!;
      expect(offered).toBeUndefined();
      expect(messages[0]!.content).toMatch(/<catalogue>[^]*T-1/);
    });
  });
});
