import type { Call } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

/** The error of llama.cpp, inside a stream. */
const tooLong = (figures: object) => (call: Call) => {
  const error = { message: 'the request exceeds the available context size', type: 'exceed_context_size_error' };
  call.raw(`data: ${JSON.stringify({ error: { ...error, ...figures } })}\n\n`);
};

describe('a prompt that the provider finds too long', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start();
    server.provider.structured = () => ({ title: 'T' });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const WORDS = 'word '.repeat(400);
  const prompts = () => server.provider.requests.map(({ messages }) => messages.length);

  test('loses its oldest exchanges and is sent once more', async () => {
    const jane = await server.user();
    const { conversation } = await jane.ask(`First ${WORDS}`, { stream: false });
    await jane.ask(`Second ${WORDS}`, { conversationId: conversation.id, stream: false });
    const taken = server.provider.takeCall();
    const asked = jane.ask('Third', { conversationId: conversation.id, stream: false });
    tooLong({})(await taken);
    const { answer } = await asked;
    expect(answer).toMatchObject({ status: 'COMPLETED', content: 'You asked: Third' });
    const [, , whole, shortened] = prompts();
    expect(whole).toBe(6);
    expect(shortened).toBeLessThan(6);
  });

  test('is shortened before it is sent once the size of the context is known', async () => {
    const jane = await server.user();
    const { conversation } = await jane.ask(`First ${WORDS}`, { stream: false });
    const taken = server.provider.takeCall();
    const asked = jane.ask('Second', { conversationId: conversation.id, stream: false });
    tooLong({ n_prompt_tokens: 1_000, n_ctx: 900 })(await taken);
    expect((await asked).answer.status).toBe('COMPLETED');
    await jane.ask('Third', { conversationId: conversation.id, stream: false });
    expect(server.provider.requests).toHaveLength(4);
    expect(server.logged.filter((line) => line.includes('"capability":"contextTokens"'))).toHaveLength(1);
  });

  test('fails if there is nothing to leave out', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const asked = jane.ask('Only', { stream: false });
    tooLong({})(await taken);
    expect((await asked).answer).toMatchObject({ status: 'FAILED', error: { code: 'CONTEXT_TOO_LONG' } });
    expect(server.provider.requests).toHaveLength(1);
  });
});

test('the usage of a filtered answer is stored and counts towards the quota', async () => {
  await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '100' });
  server.provider.structured = () => {
    throw new Error('no title');
  };
  const jane = await server.user();
  const taken = server.provider.takeCall();
  const asked = jane.ask('Hello', { stream: false });
  const call = await taken;
  call.delta('Well');
  call.finish('content_filter', { prompt_tokens: 90, completion_tokens: 20, total_tokens: 110 });
  const { answer, conversation } = await asked;
  expect(answer).toMatchObject({
    status: 'FAILED',
    finishReason: 'CONTENT_FILTER',
    usage: { promptTokens: 90, completionTokens: 20, estimated: false },
  });
  const again = jane.ask('Again', { conversationId: conversation.id, stream: false });
  await expect(again).rejects.toThrow(/quota/i);
});

test('an answer that is cut at its token limit is COMPLETED with LENGTH', async () => {
  await using server = await TestServer.start({ MAX_OUTPUT_TOKENS: '64' });
  const jane = await server.user();
  const taken = server.provider.takeCall();
  const asked = jane.ask('Tell me everything', { stream: false });
  const call = await taken;
  expect(call.request).toMatchObject({ max_tokens: 64 });
  call.delta('Once upon a');
  call.finish('length', null);
  expect((await asked).answer).toMatchObject({ status: 'COMPLETED', finishReason: 'LENGTH', content: 'Once upon a' });
});
