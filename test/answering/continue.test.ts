import {
  AskQuestionDocument,
  ContinueAnswerDocument,
  RegenerateAnswerDocument,
  StopAnswerDocument,
} from '../../client/src/generated/graphql.js';
import { CONTINUATION } from '../../src/memory/instructions.js';
import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient, Follower } from '../kit/user.js';

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

describe('continueAnswer', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeEach(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const resume = async (answerId: string, more: { stream?: boolean; requestId?: string } = {}) =>
    (await jane.request(ContinueAnswerDocument, { input: { answerId, stream: false, ...more } })).continueAnswer;
  const getErrors = (answerId: string, user = jane) => user.getErrors(ContinueAnswerDocument, { input: { answerId } });
  const getErrorCode = async (answerId: string, user = jane) =>
    (await getErrors(answerId, user))[0]!.extensions['code'];

  /** Asks, and ends the answer after this text. */
  async function askAndEnd(text: string, end: (call: Call, answerId: string) => unknown, conversationId?: string) {
    const taken = server.provider.takeCall();
    const asked = await jane.ask('Tell me', { conversationId });
    const call = await taken;
    const follower = jane.follow(asked.answer.id);
    if (text !== '') call.delta(text);
    await follower.until(text);
    await end(call, asked.answer.id);
    await follower.rest();
    return { ...asked, answer: follower.finished! };
  }
  const cut = (call: Call) => call.finish('length', USAGE);
  const stop = (_call: Call, answerId: string) => jane.request(StopAnswerDocument, { input: { answerId } });
  const fail = (call: Call) => call.breakOff();

  test.each([
    ['was cut', 'COMPLETED', cut],
    ['was stopped', 'STOPPED', stop],
    ['failed', 'FAILED', fail],
  ])('the same message goes on when it %s', async (_name, status, end) => {
    const { answer, conversation } = await askAndEnd('One, two', end);
    expect(answer).toMatchObject({ status, content: 'One, two' });
    server.provider.answer = () => [', three', '.'];
    const resumed = await resume(answer.id);
    expect(resumed.answer).toMatchObject({
      id: answer.id,
      status: 'COMPLETED',
      content: 'One, two, three.',
      finishReason: 'STOP',
      error: null,
      model: 'fake-1',
    });
    expect(resumed.answer.usage).toMatchObject({
      promptTokens: (answer.usage?.promptTokens ?? 0) + USAGE.prompt_tokens,
      completionTokens: (answer.usage?.completionTokens ?? 0) + USAGE.completion_tokens,
    });
    const prompt = server.provider.requests.at(-1)!.messages;
    expect(prompt.slice(-3).map(({ content }) => content)).toEqual(['Tell me', 'One, two', CONTINUATION]);
    expect(await jane.conversation(conversation.id)).toMatchObject({
      messagesSinceContextUpdate: 2,
      messages: { totalCount: 2 },
    });
    // The request to continue is not part of the conversation.
    await jane.ask('And then?', { conversationId: conversation.id, stream: false });
    expect(JSON.stringify(server.provider.requests.at(-1)!.messages)).not.toContain(CONTINUATION);
  });

  test('followers see one text, also those that come while it goes on', async () => {
    const { answer } = await askAndEnd('One, two', cut);
    const taken = server.provider.takeCall();
    expect((await resume(answer.id, { stream: true })).answer).toMatchObject({
      status: 'STREAMING',
      content: 'One, two',
      finishReason: null,
      usage: null,
    });
    const call = await taken;
    const followers: Follower[] = [jane.follow(answer.id), jane.follow(answer.id, 8)];
    call.delta(', three');
    await followers[0]!.until('One, two, three');
    await followers[1]!.untilLength(7);
    followers.push(jane.follow(answer.id, 4));
    call.delta(', four');
    FakeProvider.done(call);
    for (const follower of followers) {
      await follower.rest();
      expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'One, two, three, four' });
      expect('One, two, three, four'.endsWith(follower.text.trimStart())).toBe(true);
    }
  });

  test('an answer goes on as often as it is cut, and reasoning is kept', async () => {
    const { answer } = await askAndEnd('a', (call) => {
      call.reasoning('First.');
      cut(call);
    });
    for (const text of ['b', 'c']) {
      const taken = server.provider.takeCall();
      const resuming = resume(answer.id);
      const call = await taken;
      call.reasoning(`Then ${text}.`);
      call.delta(text);
      cut(call);
      expect((await resuming).answer).toMatchObject({ finishReason: 'LENGTH' });
    }
    const { content, reasoning, usage } = await jane.message(answer.id);
    expect({ content, reasoning }).toEqual({ content: 'abc', reasoning: 'First.\n\nThen b.\n\nThen c.' });
    expect(usage).toMatchObject({ totalTokens: 3 * USAGE.total_tokens, estimated: false });
    const report = await jane.request<{ usage: { usage: { totalTokens: number } } }>(
      '{ usage { usage { totalTokens } } }',
    );
    // The title may have cost more.
    expect(report.usage.usage.totalTokens).toBeGreaterThanOrEqual(3 * USAGE.total_tokens);
  });

  test('a continuation can be stopped, and keeps its text when it fails', async () => {
    const { answer } = await askAndEnd('One', cut);
    const taken = server.provider.takeCall();
    await resume(answer.id, { stream: true });
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta(', two');
    await follower.until('One, two');
    await stop(call, answer.id);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'STOPPED', content: 'One, two' });

    const failing = server.provider.takeCall();
    const resuming = resume(answer.id);
    (await failing).fail(400, { message: 'refused' });
    expect((await resuming).answer).toMatchObject({
      status: 'FAILED',
      content: 'One, two',
      error: { code: 'PROVIDER_REJECTED' },
    });
  });

  test('an answer that the model has nothing to add to is complete', async () => {
    const { answer } = await askAndEnd('All of it.', cut);
    server.provider.answer = () => [];
    expect((await resume(answer.id)).answer).toMatchObject({
      status: 'COMPLETED',
      content: 'All of it.',
      finishReason: 'STOP',
      error: null,
    });
  });

  test('continues once for requests with the same request id', async () => {
    const { answer } = await askAndEnd('One', cut);
    const before = server.provider.requests.length;
    server.provider.answer = () => [', two'];
    const race = await Promise.all(Array.from({ length: 4 }, () => resume(answer.id, { requestId: 'on' })));
    race.push(await resume(answer.id, { requestId: 'on' }));
    expect(race.map((payload) => payload.answer.content)).toEqual(Array(5).fill('One, two'));
    expect(server.provider.requests.length).toBe(before + 1);
  });

  test('one of concurrent requests continues the answer', async () => {
    const { answer, conversation } = await askAndEnd('One', cut);
    const taken = server.provider.takeCall();
    const race = await Promise.allSettled(Array.from({ length: 5 }, () => resume(answer.id, { stream: true })));
    expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const call = await taken;
    expect(await getErrorCode(answer.id)).toBe('ANSWER_IN_PROGRESS');
    const question = { input: { question: 'Now?', conversationId: conversation.id } };
    expect(await jane.getErrorCode(AskQuestionDocument, question)).toBe('ANSWER_IN_PROGRESS');
    const follower = jane.follow(answer.id);
    call.delta(', two');
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ content: 'One, two' });
  });

  test('refuses what cannot be continued', async () => {
    const complete = await jane.ask('Whole?', { stream: false });
    const [error] = await getErrors(complete.answer.id);
    expect(error!.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: { answerId: 'The answer is complete; ask a new question instead.' },
    });
    const empty = await askAndEnd('', fail);
    expect((await getErrors(empty.answer.id))[0]!.extensions).toMatchObject({
      fields: { answerId: 'The answer has no text to continue; regenerate it instead.' },
    });
    const first = await askAndEnd('One', cut);
    const second = await askAndEnd('Two', cut, first.conversation.id);
    expect(await getErrorCode(first.answer.id)).toBe('NOT_LAST_ANSWER');
    expect(await getErrorCode(second.question.id)).toBe('NOT_FOUND');
    expect(await getErrorCode('x')).toBe('NOT_FOUND');
    expect(await getErrorCode(second.answer.id, await server.user())).toBe('NOT_FOUND');
    await jane.request(RegenerateAnswerDocument, { input: { answerId: second.answer.id, stream: false } });
    expect(await getErrorCode(second.answer.id)).toBe('NOT_LAST_ANSWER');
  });

  test('puts an exchange that the metadata covers back into the prompt', async () => {
    const { conversation } = await jane.ask('q1', { stream: false });
    await jane.ask('q2', { stream: false, conversationId: conversation.id });
    const { answer } = await askAndEnd('One', cut, conversation.id);
    await server.settled();
    expect((await jane.conversation(conversation.id)).messagesSinceContextUpdate).toBe(0);
    server.provider.answer = () => [', two'];
    await resume(answer.id);
    const prompt = server.provider.requests.at(-1)!.messages.slice(1);
    expect(prompt.map(({ content }) => content)).toEqual(['Tell me', 'One', CONTINUATION]);
    expect((await jane.conversation(conversation.id)).messagesSinceContextUpdate).toBe(2);
  });
});

test('continuing counts in the rate limit and in the quota', async () => {
  await using limited = await TestServer.start({ RATE_LIMIT_ASK: '2/1h' });
  await using spent = await TestServer.start({ DAILY_TOKEN_QUOTA: '18' });
  for (const [server, code] of [
    [limited, 'RATE_LIMITED'],
    [spent, 'QUOTA_EXCEEDED'],
  ] as const) {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const asking = jane.ask('Tell me', { stream: false });
    const call = await taken;
    call.delta('One');
    call.finish(
      'length',
      code === 'RATE_LIMITED' ? USAGE : { prompt_tokens: 9, completion_tokens: 8, total_tokens: 17 },
    );
    const { answer } = await asking;
    await server.settled();
    const input = { answerId: answer.id, stream: false };
    if (code === 'RATE_LIMITED') {
      server.provider.answer = () => ['.'];
      await jane.request(ContinueAnswerDocument, { input });
    }
    expect(await jane.getErrorCode(ContinueAnswerDocument, { input })).toBe(code);
  }
});
