import { createServer, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ConfigurationError, readConfiguration } from '../../src/platform/config/configuration.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { DONE, finishEvent, RawProvider, textEvent, type RawHandler } from '../kit/raw-provider.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

const answerWith =
  (text: string, more: object = {}): RawHandler =>
  (_request, response, { response_format: format }) => {
    const content = format ? JSON.stringify({ title: 'T' }) : text;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(textEvent(content, more) + finishEvent('stop', more) + DONE);
  };

const failWith =
  (status: number, error: object = { message: 'x' }): RawHandler =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));

/** Asks a server with these settings. */
async function ask(settings: Record<string, string>) {
  await using server = await TestServer.start(settings);
  const { answer } = await (await server.user()).ask('Hello', { stream: false });
  await server.settled();
  return { answer, logged: server.logged.join('') };
}

test('TEMPERATURE, REASONING_EFFORT, OPENAI_EXTRA_HEADERS and OPENAI_EXTRA_BODY are part of each request', async () => {
  const headers: unknown[] = [];
  await using provider = await RawProvider.start((request, ...rest) => {
    headers.push(request.headers['x-title']);
    return answerWith('Hi')(request, ...rest);
  });
  await ask({
    OPENAI_BASE_URL: provider.baseUrl,
    TEMPERATURE: '0.2',
    REASONING_EFFORT: 'low',
    OPENAI_EXTRA_HEADERS: '{"X-Title": "Parley"}',
    OPENAI_EXTRA_BODY: '{"provider": {"sort": "price"}, "top_k": 5}',
  });
  const bodies = provider.bodies.filter(({ messages }) => messages);
  expect(bodies).toHaveLength(2);
  for (const body of bodies) {
    expect(body).toMatchObject({ temperature: 0.2, reasoning_effort: 'low', provider: { sort: 'price' }, top_k: 5 });
  }
  expect(new Set(headers)).toEqual(new Set(['Parley']));
});

test.each([
  ['TEMPERATURE', '0.2', 'temperature', 400, "Unsupported value: 'temperature' does not support 0.2 with this model."],
  ['REASONING_EFFORT', 'low', 'reasoning_effort', 400, 'Unrecognized request argument supplied: reasoning_effort'],
  ['TEMPERATURE', '0.2', 'temperature', 422, [{ type: 'extra_forbidden', loc: ['body', 'temperature'] }]],
])(
  '%s=%s is left out after it was refused, which is told once (%s, %d)',
  async (name, value, member, status, message) => {
    await using provider = await RawProvider.start((request, response, body) =>
      (member in body ? failWith(status, { message }) : answerWith('Hi'))(request, response, body),
    );
    await using server = await TestServer.start({ OPENAI_BASE_URL: provider.baseUrl, [name]: value });
    // Each instance learns for itself.
    const jane = server.client((await server.user()).accessToken, server.server.url);
    for (let i = 0; i < 3; i += 1) {
      expect((await jane.ask('Hello', { stream: false })).answer).toMatchObject({ status: 'COMPLETED', content: 'Hi' });
      await server.settled();
    }
    const answers = provider.bodies.filter(({ messages, response_format: format }) => messages && !format);
    expect(answers.map((body) => member in body)).toEqual([true, false, false, false]);
    const lines = server.logged.filter((line) => line.includes('The provider refuses a setting'));
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ level: 40, setting: name, value: false }),
    ]);
    const metrics = await (await fetch(`${server.server.url}/metrics`)).text();
    expect(metrics).toMatch(/^parley_provider_capabilities_learned_total\{capability="\w+"\} 1$/m);
  },
);

test('Azure receives the key and the version of the API in its own way', async () => {
  const calls: { url?: string; key?: unknown; authorization?: unknown }[] = [];
  await using provider = await RawProvider.start((request, ...rest) => {
    const { 'api-key': key, authorization } = request.headers;
    calls.push({ url: request.url, key, authorization });
    return answerWith('Hi')(request, ...rest);
  });
  const { answer } = await ask({
    OPENAI_BASE_URL: provider.baseUrl,
    OPENAI_API_KEY: 'azure-key-1234',
    AZURE_OPENAI_API_VERSION: '2024-10-21',
  });
  expect(answer.content).toBe('Hi');
  const completions = calls.filter(({ url }) => url?.includes('completions'));
  expect(completions[0]).toEqual({
    url: '/v1/chat/completions?api-version=2024-10-21',
    key: 'azure-key-1234',
    authorization: undefined,
  });
});

test('titles and metadata use their own models', async () => {
  await using provider = await RawProvider.start(answerWith('Hi'));
  await ask({
    OPENAI_BASE_URL: provider.baseUrl,
    OPENAI_MODEL: 'large',
    OPENAI_MODEL_TITLES: 'small',
    REASONING_EFFORT: 'high',
  });
  const models = provider.bodies
    .filter(({ messages }) => messages)
    .map(({ model, reasoning_effort }) => [model, reasoning_effort]);
  expect(models.sort()).toEqual([
    ['large', 'high'],
    ['small', undefined],
  ]);
});

describe('OPENAI_FALLBACK_*', () => {
  /** Asks a server whose provider behaves as the handler says, and counts the calls of its fallback. */
  async function askWithFallback(handler: RawHandler, settings: Record<string, string> = {}) {
    await using primary = await RawProvider.start(handler);
    const authorizations: unknown[] = [];
    await using fallback = await RawProvider.start((request, ...rest) => {
      authorizations.push(request.headers.authorization);
      return answerWith('From the second', { model: 'second-1' })(request, ...rest);
    });
    const result = await ask({
      OPENAI_BASE_URL: primary.baseUrl,
      OPENAI_API_KEY: 'first-key-12345',
      OPENAI_EXTRA_HEADERS: '{"x-secret": "for-the-first-only"}',
      OPENAI_FALLBACK_BASE_URL: fallback.baseUrl,
      OPENAI_FALLBACK_API_KEY: 'second-key-12345',
      OPENAI_FALLBACK_MODEL: 'second',
      ...settings,
    });
    return { ...result, calls: fallback.bodies.filter(({ messages }) => messages), authorizations };
  }

  test.each<[string, RawHandler, Record<string, string>]>([
    ['429', failWith(429), {}],
    ['429 because the account is out of credit', failWith(429, { message: 'x', code: 'insufficient_quota' }), {}],
    ['503', failWith(503), {}],
    ['a connection that breaks', (_request, response) => void response.destroy(), {}],
    ['silence', () => {}, { OPENAI_TIMEOUT: '200ms' }],
  ])('the fallback answers after %s', async (_name, handler, settings) => {
    const { answer, calls, authorizations, logged } = await askWithFallback(handler, settings);
    expect(answer).toMatchObject({ status: 'COMPLETED', content: 'From the second', model: 'second-1' });
    expect(calls[0]).toMatchObject({ model: 'second' });
    expect(authorizations[0]).toBe('Bearer second-key-12345');
    expect(logged).toContain('calling the fallback');
  });

  test('the fallback answers when nothing listens at the provider', async () => {
    const { answer } = await askWithFallback(failWith(500), { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' });
    expect(answer).toMatchObject({ status: 'COMPLETED', content: 'From the second' });
  });

  test.each([
    [400, 'PROVIDER_REJECTED'],
    [401, 'PROVIDER_REJECTED'],
    [404, 'PROVIDER_REJECTED'],
    [402, 'PROVIDER_QUOTA_EXCEEDED'],
  ])('the fallback is not called after %d', async (status, code) => {
    const { answer, calls } = await askWithFallback(failWith(status));
    expect(answer).toMatchObject({ status: 'FAILED', error: { code } });
    expect(calls).toEqual([]);
  });

  test('the fallback is not called after the first token', async () => {
    const { answer, calls } = await askWithFallback((request, response, body) => {
      if (body.response_format) return answerWith('')(request, response, body);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(textEvent('Some'), () => response.destroy());
    });
    expect(answer).toMatchObject({ status: 'FAILED', content: 'Some', error: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(calls).toEqual([]);
  });

  test('another model of the same server receives the same key', () => {
    const { provider } = readConfiguration({
      OPENAI_BASE_URL: 'https://api.example.com/v1',
      OPENAI_API_KEY: 'first-key-12345',
      OPENAI_FALLBACK_MODEL: 'other',
    });
    expect(provider!.fallback).toMatchObject({
      baseUrl: 'https://api.example.com/v1',
      apiKey: 'first-key-12345',
      model: 'other',
    });
  });

  test('another server receives neither the key nor the headers of the first one', () => {
    const { provider } = readConfiguration({
      OPENAI_API_KEY: 'first-key-12345',
      OPENAI_EXTRA_HEADERS: '{"x-secret": "1"}',
      OPENAI_FALLBACK_BASE_URL: 'https://api.example.com/v1',
    });
    expect(provider!.fallback).toMatchObject({ apiKey: null, extraHeaders: {}, model: 'gpt-4o-mini' });
  });
});

describe('proxies', () => {
  /** A proxy that forwards requests and tunnels, and counts them. */
  async function startProxy() {
    const seen: string[] = [];
    const proxy = createServer((incoming, outgoing) => {
      seen.push(`${incoming.method} ${incoming.url}`);
      const forwarded = httpRequest(
        incoming.url!,
        { method: incoming.method, headers: incoming.headers },
        (response) => {
          outgoing.writeHead(response.statusCode!, response.headers);
          response.pipe(outgoing);
        },
      );
      forwarded.on('error', () => outgoing.destroy());
      incoming.pipe(forwarded);
    });
    proxy.on('connect', ({ url }: { url?: string }, socket) => {
      seen.push(`CONNECT ${url}`);
      socket.on('error', () => {});
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    return {
      seen,
      url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      async [Symbol.asyncDispose]() {
        const closed = once(proxy, 'close');
        proxy.close();
        proxy.closeAllConnections();
        await closed;
      },
    };
  }

  test.each(['HTTP_PROXY', 'http_proxy'])('%s is used for a provider with http://', async (name) => {
    await using proxy = await startProxy();
    await using provider = await FakeProvider.start();
    const { answer } = await ask({ OPENAI_BASE_URL: provider.baseUrl, [name]: proxy.url });
    expect(answer).toMatchObject({ status: 'COMPLETED', content: 'You asked: Hello' });
    expect(proxy.seen).toContain(`POST ${provider.baseUrl}/chat/completions`);
  });

  test('NO_PROXY is honoured', async () => {
    await using proxy = await startProxy();
    await using provider = await FakeProvider.start();
    const settings = { OPENAI_BASE_URL: provider.baseUrl, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
    expect((await ask(settings)).answer.status).toBe('COMPLETED');
    expect(proxy.seen).toEqual([]);
  });

  test('HTTPS_PROXY is used for a provider with https://', async () => {
    await using proxy = await startProxy();
    const { answer } = await ask({ OPENAI_BASE_URL: 'https://provider.invalid/v1', HTTPS_PROXY: proxy.url });
    expect(answer).toMatchObject({ status: 'FAILED', error: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(proxy.seen).toContain('CONNECT provider.invalid:443');
  });
});

describe('an invalid value is reported with the name of its setting, and without the value', () => {
  test.each([
    ['OPENAI_EXTRA_HEADERS', '{"a b": "sk-1"}'],
    ['OPENAI_EXTRA_HEADERS', '{"a": 1}'],
    ['OPENAI_EXTRA_HEADERS', 'X-Key: sk-1'],
    ['OPENAI_EXTRA_BODY', '["sk-1"]'],
    ['OPENAI_EXTRA_BODY', '{"messages": ["sk-1"]}'],
    ['TEMPERATURE', '2.1'],
    ['TEMPERATURE', 'warm'],
    ['REASONING_EFFORT', 'a lot'],
    ['AZURE_OPENAI_API_VERSION', '2024?'],
    ['OPENAI_FALLBACK_BASE_URL', 'ftp://x'],
    ['HTTPS_PROXY', 'proxy:3128'],
  ])('%s=%s', (name, value) => {
    const read = () => readConfiguration({ OPENAI_API_KEY: 'a-key-1234567', [name]: value });
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(new RegExp(`${name}: `));
    expect(read).not.toThrow(/sk-1/);
  });

  test('a fallback without a provider', () => {
    expect(() => readConfiguration({ OPENAI_FALLBACK_MODEL: 'x' })).toThrow(
      /OPENAI_FALLBACK_MODEL: .*set OPENAI_API_KEY/,
    );
  });
});

test('an answer that goes on past MAX_OUTPUT_TOKENS is cut and ends as LENGTH', async () => {
  let isClosed = false;
  await using provider = await RawProvider.start(async (request, response, body) => {
    if (body.response_format) return answerWith('')(request, response, body);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.on('close', () => (isClosed = true));
    while (!isClosed) {
      response.write(textEvent('word '));
      await new Promise(setImmediate);
    }
  });
  const { answer } = await ask({ OPENAI_BASE_URL: provider.baseUrl, MAX_OUTPUT_TOKENS: '100' });
  expect(answer).toMatchObject({ status: 'COMPLETED', finishReason: 'LENGTH', usage: { estimated: true } });
  expect(answer.content.split(' ').length).toBeGreaterThan(90);
  expect(answer.content.split(' ').length).toBeLessThan(150);
  await until(() => isClosed);
});
