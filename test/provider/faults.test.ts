import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('an answer fails, keeps its text and leaves the conversation usable, if the provider', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeAll(async () => {
    server = await TestServer.start({ OPENAI_TIMEOUT: '2s' });
    jane = await server.user();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const SECRET = 'sk-secret-of-the-operator';

  test.each<[string, (call: Call) => void, string, boolean, string]>([
    [
      'rejects the key',
      (call) => call.fail(401, { message: `Incorrect API key provided: ${SECRET}` }),
      'PROVIDER_REJECTED',
      false,
      '',
    ],
    [
      'does not know the model',
      (call) => call.fail(404, { message: SECRET, code: 'model_not_found' }),
      'PROVIDER_REJECTED',
      false,
      '',
    ],
    ['throttles', (call) => call.fail(429, { message: SECRET }), 'PROVIDER_RATE_LIMITED', true, ''],
    [
      'reports an exhausted quota',
      (call) => call.fail(429, { message: SECRET, code: 'insufficient_quota' }),
      'PROVIDER_QUOTA_EXCEEDED',
      false,
      '',
    ],
    [
      'reports that the context is too long',
      (call) => call.fail(400, { message: SECRET, code: 'context_length_exceeded' }),
      'CONTEXT_TOO_LONG',
      false,
      '',
    ],
    ['responds with 503', (call) => call.fail(503, { message: SECRET }), 'PROVIDER_UNAVAILABLE', true, ''],
    [
      'disconnects',
      (call) => (call.delta('Half an '), setImmediate(() => call.breakOff())),
      'PROVIDER_UNAVAILABLE',
      true,
      'Half an ',
    ],
    [
      'sends an error inside the stream',
      (call) => (call.delta('So far'), call.raw(`data: {"error":{"message":"${SECRET}"}}\n\n`)),
      'PROVIDER_UNAVAILABLE',
      true,
      'So far',
    ],
    [
      'sends malformed JSON',
      (call) => (call.delta('So far'), call.raw('data: {"nonsense\n\n')),
      'PROVIDER_UNAVAILABLE',
      true,
      'So far',
    ],
    ['sends no text', (call) => FakeProvider.done(call), 'PROVIDER_EMPTY', true, ''],
    [
      'filters the content',
      (call) => (call.delta('Well'), call.finish('content_filter', null)),
      'CONTENT_FILTERED',
      false,
      'Well',
    ],
    ['sends nothing', () => {}, 'PROVIDER_TIMEOUT', true, ''],
    ['sends nothing after a token', (call) => call.delta('Wait'), 'PROVIDER_TIMEOUT', true, 'Wait'],
  ])('%s', async (_what, act, code, retryable, text) => {
    const taken = server.provider.takeCall();
    const { conversation, answer } = await jane.ask('Will this work?');
    const follower = jane.follow(answer.id);
    act(await taken);
    await follower.rest();
    expect(follower.finished).toMatchObject({
      status: 'FAILED',
      content: text,
      error: { code, retryable, message: expect.stringMatching(/\.$/) },
    });
    expect(follower.text).toBe(text);
    expect(JSON.stringify(await jane.message(answer.id))).not.toContain(SECRET);

    // The next prompt contains the failed exchange.
    const next = await jane.ask('And now?', { conversationId: conversation.id, stream: false });
    expect(next.answer.status).toBe('COMPLETED');
    const { messages } = server.provider.requests.at(-1)!;
    expect(messages.slice(1)).toEqual(
      text === ''
        ? [{ role: 'user', content: 'Will this work?\n\nAnd now?' }]
        : [
            { role: 'user', content: 'Will this work?' },
            { role: 'assistant', content: text },
            { role: 'user', content: 'And now?' },
          ],
    );
  });
});
