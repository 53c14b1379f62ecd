import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

/** How long the provider may be silent: longer than a busy machine stands still. */
const IMPATIENCE = '2s';

describe('trying again', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start({ OPENAI_MAX_RETRIES: '2', OPENAI_TIMEOUT: IMPATIENCE });
    server.provider.structured = () => ({ title: 'T' });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  /** Asks, answers each call as told, and counts them. */
  async function ask(...acts: ((call: Call) => void)[]) {
    const jane = await server.user();
    const calls = acts.map(() => server.provider.takeCall());
    const asked = jane.ask('Try', { stream: false });
    void calls.map(async (call, i) => acts[i]!(await call));
    const { answer } = await asked;
    return { answer, calls: server.provider.requests.length };
  }
  const fail = (status: number, code?: string, headers?: Record<string, string>) => (call: Call) =>
    call.fail(status, { message: 'x', code }, headers);
  const breakOff = (call: Call) => {
    call.raw(': nothing yet\n\n');
    setImmediate(() => call.breakOff());
  };

  test.each<[string, (call: Call) => void]>([
    ['a server error', fail(500)],
    ['throttling', fail(429)],
    ['throttling that says for how long', fail(429, 'rate_limit_exceeded', { 'retry-after-ms': '10' })],
    ['a body that breaks off before the first token', breakOff],
    ['an empty answer', (call) => FakeProvider.done(call)],
  ])('after %s, until it works', async (_what, act) => {
    expect(await ask(act)).toMatchObject({ answer: { status: 'COMPLETED', content: 'You asked: Try' }, calls: 2 });
  });

  test('at most so often', async () => {
    const { answer, calls } = await ask(fail(503), fail(503), fail(503), fail(503));
    expect(answer.error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(calls).toBe(3);
  });

  test.each<[string, (call: Call) => void, string]>([
    ['an empty account', fail(429, 'insufficient_quota'), 'PROVIDER_QUOTA_EXCEEDED'],
    ['a refused key', fail(401), 'PROVIDER_REJECTED'],
    ['a question that is too long', fail(400, 'context_length_exceeded'), 'CONTEXT_TOO_LONG'],
    ['silence', () => {}, 'PROVIDER_TIMEOUT'],
    [
      'a provider that wants to be left alone for long',
      fail(429, undefined, { 'retry-after': '3600' }),
      'PROVIDER_RATE_LIMITED',
    ],
    [
      'a body that breaks off after the first token',
      (call) => (call.delta('Once '), setImmediate(() => call.breakOff())),
      'PROVIDER_UNAVAILABLE',
    ],
    ['a refusal', (call) => call.raw('data: {"choices":[{"delta":{"refusal":"No."}}]}\n\n'), 'CONTENT_FILTERED'],
  ])('never after %s', async (_what, act, code) => {
    const { answer, calls } = await ask(act);
    expect(answer.error).toMatchObject({ code });
    expect(calls).toBe(1);
  });

  test('comments are no sign of life, however many', async () => {
    const { answer } = await ask((call) => {
      const timer = setInterval(() => call.raw(': still here\n\n'), 50);
      call.signal.addEventListener('abort', () => clearInterval(timer));
    });
    expect(answer.error).toMatchObject({ code: 'PROVIDER_TIMEOUT' });
  });

  test('figures and names that are none are not stored', async () => {
    const odd = { model: { a: 1 }, choices: [{ delta: { content: ['x'] } }] };
    const { answer } = await ask((call) => {
      call.raw(`\ufeffdata: ${JSON.stringify({ choices: [{ delta: { content: 'first ' } }] })}\n\n`);
      call.raw(`data: ${JSON.stringify(odd)}\n\n`);
      call.raw(
        `data: ${JSON.stringify({ choices: [{ delta: { content: 'second' } }], usage: { prompt_tokens: 1.5, completion_tokens: 1e12 } })}\n\n`,
      );
      call.raw('data: [DONE]\n\n');
    });
    expect(answer).toMatchObject({
      status: 'COMPLETED',
      content: 'first second',
      model: 'gpt-4o-mini',
      usage: { estimated: true },
    });
  });
});

describe('a provider that is no provider', () => {
  async function answerOf(listener: RequestListener, upgrade = false) {
    const provider: Server = createServer(listener);
    if (upgrade) provider.on('upgrade', () => {});
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    await using server = await TestServer.start({
      OPENAI_BASE_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`,
      OPENAI_TIMEOUT: IMPATIENCE,
    });
    try {
      return (await (await server.user()).ask('Hello?', { stream: false })).answer;
    } finally {
      provider.closeAllConnections();
      provider.close();
    }
  }

  test.each<[string, RequestListener, string]>([
    [
      'changes the protocol',
      (_request, response) =>
        void response.socket!.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      'PROVIDER_UNAVAILABLE',
    ],
    ['closes without a word', (_request, response) => void response.socket!.destroy(), 'PROVIDER_UNAVAILABLE'],
    [
      'stalls in the middle of an error',
      (_request, response) => void response.writeHead(500, { 'content-length': '100' }).write('{'),
      'PROVIDER_TIMEOUT',
    ],
    ['answers with a page', (_request, response) => void response.end('<html>'), 'PROVIDER_UNAVAILABLE'],
    [
      'answers with JSON to a streaming request',
      (_request, response) => void response.end('{"choices":[]}'),
      'PROVIDER_UNAVAILABLE',
    ],
    [
      'sends an event without an end',
      (_request, response) => void response.end(`data: ${'x'.repeat(1_500_000)}`),
      'PROVIDER_UNAVAILABLE',
    ],
  ])('%s', async (_what, listener, code) => {
    expect(await answerOf(listener)).toMatchObject({ status: 'FAILED', error: { code } });
  });
});
