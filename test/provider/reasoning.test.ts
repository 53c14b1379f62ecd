import { StopAnswerDocument } from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { DONE, event, finishEvent, RawProvider, textEvent } from '../kit/raw-provider.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

const delta = (fields: object) => event({ choices: [{ index: 0, delta: fields, finish_reason: null }] });
const USAGE = { usage: { prompt_tokens: 9, completion_tokens: 40 } };

/** What providers send for the reasoning `I think.` before the text `Yes.` */
const SHAPES: Record<string, string[]> = {
  'reasoning_content of DeepSeek': [delta({ reasoning_content: 'I ' }), delta({ reasoning_content: 'think.' })],
  'reasoning and reasoning_details of OpenRouter': ['I ', 'think.'].map((text) =>
    delta({ content: '', reasoning: text, reasoning_details: [{ type: 'reasoning.text', text }] }),
  ),
  'reasoning_details alone': [
    delta({ reasoning_details: [{ type: 'reasoning.text', text: 'I ' }] }),
    delta({ reasoning_details: [{ type: 'reasoning.summary', summary: 'think.' }, { type: 'reasoning.encrypted' }] }),
  ],
  'thinking parts of Mistral': [textEvent([{ type: 'thinking', thinking: [{ type: 'text', text: 'I think.' }] }])],
  'tags in the text': [textEvent('<thi'), textEvent('nk>\nI think.</'), textEvent('think>\n\n')],
};

describe.each(Object.entries(SHAPES))('%s', (_name, chunks) => {
  test('goes to reasoning, and into no later prompt', async () => {
    await using provider = await RawProvider.start((_request, response, { response_format }) => {
      const before = response_format ? [] : chunks;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const chunk of [...before, textEvent('Yes.'), finishEvent('stop', USAGE), DONE]) response.write(chunk);
      response.end();
    });
    await using server = await TestServer.start({ OPENAI_BASE_URL: provider.baseUrl });
    const jane = await server.user();
    const { answer, conversation } = await jane.ask('Is it so?', { stream: false });
    expect(answer).toMatchObject({ status: 'COMPLETED', content: 'Yes.', reasoning: 'I think.' });
    const follower = jane.follow(answer.id);
    await follower.rest();
    expect(follower).toMatchObject({ reasoning: 'I think.', text: 'Yes.' });

    for (let i = 0; i < 2; i += 1) await jane.ask('And now?', { conversationId: conversation.id, stream: false });
    await server.settled();
    expect(provider.bodies.some(({ response_format }) => response_format)).toBe(true);
    expect(JSON.stringify(provider.bodies)).not.toContain('think.');
  });
});

test('reasoning is streamed, stored while it is streamed, and kept when the answer is stopped', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const taken = server.provider.takeCall();
  const { answer } = await jane.ask('Why?');
  const call = await taken;
  call.reasoning('First, ');
  const follower = jane.follow(answer.id);
  await follower.untilReasoning('First, ');
  call.reasoning('then.');
  await follower.untilReasoning('First, then.');
  await until(async () => (await server.count(`messages where reasoning = 'First, then.'`)) === 1);
  expect(await jane.message(answer.id)).toMatchObject({ status: 'STREAMING', content: '', reasoning: 'First, then.' });
  call.delta('Because');
  await follower.until('Because');
  // Each subscription begins with the whole reasoning, whatever text it asks for.
  const late = jane.follow(answer.id, 7);
  await late.untilReasoning('First, then.');
  await jane.request(StopAnswerDocument, { input: { answerId: answer.id } });
  await Promise.all([follower.rest(), late.rest()]);
  expect(follower.finished).toMatchObject({ status: 'STOPPED', content: 'Because', reasoning: 'First, then.' });
  expect(follower.finished!.usage!.completionTokens).toBeGreaterThan(3);
  expect(late.text.trim()).toBe('');
});

test.each([
  ['reasoning_content', delta({ reasoning_content: 'I think and think' })],
  ['a tag that is never closed', textEvent('<think>I think and think')],
])('an answer that uses its tokens up in reasoning is OUTPUT_LIMIT with usage (%s)', async (_name, chunk) => {
  await using provider = await RawProvider.start((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(chunk + finishEvent('length', USAGE) + DONE);
  });
  await using server = await TestServer.start({ OPENAI_BASE_URL: provider.baseUrl, OPENAI_MAX_RETRIES: '2' });
  const { answer } = await (await server.user()).ask('Why?', { stream: false });
  expect(answer).toMatchObject({
    status: 'FAILED',
    content: '',
    reasoning: 'I think and think',
    error: { code: 'OUTPUT_LIMIT' },
    usage: { promptTokens: 9, completionTokens: 40, estimated: false },
  });
  expect(provider.bodies.filter(({ response_format }) => !response_format)).toHaveLength(1);
});

test('a call is not repeated once reasoning was streamed', async () => {
  await using server = await TestServer.start({ OPENAI_MAX_RETRIES: '2' });
  const jane = await server.user();
  const taken = server.provider.takeCall();
  const { answer } = await jane.ask('Why?');
  const call = await taken;
  const follower = jane.follow(answer.id);
  call.reasoning('So');
  await follower.untilReasoning('So');
  call.breakOff();
  await follower.rest();
  expect(follower.finished).toMatchObject({
    status: 'FAILED',
    reasoning: 'So',
    error: { code: 'PROVIDER_UNAVAILABLE' },
  });
  expect(server.provider.requests).toHaveLength(1);
});

test('reasoning is bounded in size', async () => {
  await using server = await TestServer.start({ MAX_OUTPUT_TOKENS: '1000000' });
  const jane = await server.user();
  const taken = server.provider.takeCall();
  const { answer } = await jane.ask('Why?');
  const call = await taken;
  for (let i = 0; i < 30; i += 1) call.reasoning('thought '.repeat(1_000));
  call.delta('Because.');
  FakeProvider.done(call);
  const follower = jane.follow(answer.id);
  await follower.rest();
  expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Because.' });
  expect(follower.finished!.reasoning).toHaveLength(200_000);
  expect(follower.reasoning).toBe(follower.finished!.reasoning);
});
