import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

/** Long enough for a busy machine. */
const TIMEOUT = '2s';

describe('retries', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start({ OPENAI_MAX_RETRIES: '2', OPENAI_TIMEOUT: TIMEOUT });
    server.provider.structured = () => ({ title: 'T' });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  /** Asks a question, handles the provider's calls in order, and counts them. */
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
    ['throttling with a retry delay', fail(429, 'rate_limit_exceeded', { 'retry-after-ms': '10' })],
    ['a stream that ends before the first token', breakOff],
    ['an empty answer', (call) => FakeProvider.done(call)],
  ])('an answer is requested again after %s', async (_what, act) => {
    expect(await ask(act)).toMatchObject({ answer: { status: 'COMPLETED', content: 'You asked: Try' }, calls: 2 });
  });

  test('a request is retried at most OPENAI_MAX_RETRIES times', async () => {
    const { answer, calls } = await ask(fail(503), fail(503), fail(503), fail(503));
    expect(answer.error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(calls).toBe(3);
  });

  test('a server that loads its model is waited for, whatever OPENAI_MAX_RETRIES is', async () => {
    await using patient = await TestServer.start({ OPENAI_MAX_RETRIES: '0', OPENAI_TIMEOUT: '30s' });
    patient.provider.structured = () => ({ title: 'T' });
    const jane = await patient.user();
    const calls = [1, 2, 3].map(() => patient.provider.takeCall());
    const asked = jane.ask('Try', { stream: false });
    const [loading, named, ready] = calls;
    (await loading!).fail(503, { message: 'Loading model', type: 'unavailable_error' });
    (await named!).fail(503, { message: 'x' }, { 'retry-after-ms': '20' });
    const call = await ready!;
    call.delta('Ready');
    FakeProvider.done(call);
    expect((await asked).answer).toMatchObject({ status: 'COMPLETED', content: 'Ready' });
  });

  test('a delay beyond OPENAI_TIMEOUT is not waited for', async () => {
    const { answer, calls } = await ask(fail(503, undefined, { 'retry-after': '3' }));
    expect(answer.error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(calls).toBe(1);
  });

  test('an empty answer without usage is estimated', async () => {
    const empty = (call: Call) => call.finish('stop', null);
    const { answer } = await ask(empty, empty);
    expect(answer).toMatchObject({
      error: { code: 'PROVIDER_EMPTY' },
      usage: { completionTokens: 0, estimated: true },
    });
  });

  test('an empty answer is requested once more at most', async () => {
    const empty = (call: Call) => FakeProvider.done(call);
    const { answer, calls } = await ask(empty, empty, empty);
    expect(answer).toMatchObject({
      error: { code: 'PROVIDER_EMPTY' },
      usage: { promptTokens: 22, completionTokens: 14 },
    });
    expect(calls).toBe(2);
  });

  test.each<[string, (call: Call) => void, string]>([
    ['an exhausted quota', fail(429, 'insufficient_quota'), 'PROVIDER_QUOTA_EXCEEDED'],
    ['a rejected key', fail(401), 'PROVIDER_REJECTED'],
    ['a context that is too long', fail(400, 'context_length_exceeded'), 'CONTEXT_TOO_LONG'],
    ['a timeout', () => {}, 'PROVIDER_TIMEOUT'],
    ['a request for a long delay', fail(429, undefined, { 'retry-after': '3600' }), 'PROVIDER_RATE_LIMITED'],
    [
      'a stream that ends after the first token',
      (call) => (call.delta('Once '), setImmediate(() => call.breakOff())),
      'PROVIDER_UNAVAILABLE',
    ],
    ['a refusal', (call) => call.raw('data: {"choices":[{"delta":{"refusal":"No."}}]}\n\n'), 'CONTENT_FILTERED'],
  ])('an answer is not requested again after %s', async (_what, act, code) => {
    const { answer, calls } = await ask(act);
    expect(answer.error).toMatchObject({ code });
    expect(calls).toBe(1);
  });

  test('comments in a stream do not reset the timeout', async () => {
    const { answer } = await ask((call) => {
      const timer = setInterval(() => call.raw(': still here\n\n'), 50);
      call.signal.addEventListener('abort', () => clearInterval(timer));
    });
    expect(answer.error).toMatchObject({ code: 'PROVIDER_TIMEOUT' });
  });

  test('invalid usage and model names are not stored', async () => {
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

describe('an answer fails if the provider', () => {
  async function answerOf(listener: RequestListener, upgrade = false) {
    const provider: Server = createServer(listener);
    if (upgrade) provider.on('upgrade', () => {});
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    await using server = await TestServer.start({
      OPENAI_BASE_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`,
      OPENAI_TIMEOUT: TIMEOUT,
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
    [
      'closes the connection without a response',
      (_request, response) => void response.socket!.destroy(),
      'PROVIDER_UNAVAILABLE',
    ],
    [
      'stalls inside an error response',
      (_request, response) => void response.writeHead(500, { 'content-length': '100' }).write('{'),
      'PROVIDER_TIMEOUT',
    ],
    ['responds with a web page', (_request, response) => void response.end('<html>'), 'PROVIDER_UNAVAILABLE'],
    [
      'responds with JSON without choices',
      (_request, response) => void response.end('{"choices":[]}'),
      'PROVIDER_EMPTY',
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
