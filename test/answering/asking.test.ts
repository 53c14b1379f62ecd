import { AskQuestionDocument } from '../../src/client/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('asking', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const countMessages = () => server.count('messages');

  test('without a stream it returns the finished answer', async () => {
    const { answer, conversation } = await jane.ask('All at once', { stream: false });
    expect(answer).toMatchObject({ status: 'COMPLETED', content: 'You asked: All at once' });
    expect(answer.finishedAt).not.toBeNull();
    expect((await jane.conversation(conversation.id)).lastMessage?.id).toBe(answer.id);
  });

  test('the answer goes on whether or not anyone follows', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Alone');
    const call = await taken;
    call.delta('Nobody listens.');
    FakeProvider.done(call);
    const follower = jane.follow(answer.id);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Nobody listens.' });
  });

  test('the earlier exchanges are in the prompt, in order, after the instructions', async () => {
    const { conversation } = await jane.ask('First', { stream: false });
    await jane.ask('Second', { stream: false, conversationId: conversation.id });
    await jane.ask('Third', { stream: false, conversationId: conversation.id });
    const { messages } = server.provider.requests.at(-1)!;
    expect(messages[0]).toMatchObject({ role: 'system', content: expect.stringContaining('sales assistant') });
    expect(messages.slice(1)).toEqual([
      { role: 'user', content: 'First' },
      { role: 'assistant', content: 'You asked: First' },
      { role: 'user', content: 'Second' },
      { role: 'assistant', content: 'You asked: Second' },
      { role: 'user', content: 'Third' },
    ]);
    expect((await jane.conversation(conversation.id)).messages.totalCount).toBe(6);
  });

  test('one at a time: a second question waits for the first answer', async () => {
    const taken = server.provider.takeCall();
    const { conversation, answer } = await jane.ask('One');
    const call = await taken;
    const input = { question: 'Two', conversationId: conversation.id };
    expect(await jane.codeOf(AskQuestionDocument, { input })).toBe('ANSWER_IN_PROGRESS');
    call.delta('1');
    FakeProvider.done(call);
    await jane.follow(answer.id).rest();
    await jane.ask('Two', { conversationId: conversation.id, stream: false });
  });

  test('of many that race in one conversation exactly one goes through', async () => {
    const { conversation } = await jane.ask('Start', { stream: false });
    const taken = server.provider.takeCall();
    const race = Array.from({ length: 10 }, () => jane.ask('Race', { conversationId: conversation.id }));
    const results = await Promise.allSettled(race);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected')
        expect(result.reason.response.errors[0].extensions.code).toBe('ANSWER_IN_PROGRESS');
    }
    FakeProvider.done(await taken);
  });

  test('asking again with one request id asks nothing twice', async () => {
    const before = server.provider.requests.length;
    const race = Array.from({ length: 5 }, () => jane.ask('Once', { requestId: 'r-1', stream: false }));
    const answers = (await Promise.all(race)).map(({ answer }) => answer.id);
    const later = await jane.ask('Something else', { requestId: 'r-1' });
    expect(new Set([...answers, later.answer.id]).size).toBe(1);
    expect(later.question.content).toBe('Once');
    expect(server.provider.requests.length).toBe(before + 1);
    const john = await server.user();
    expect((await john.ask('Mine', { requestId: 'r-1', stream: false })).question.content).toBe('Mine');
  });

  test.each([
    ['blank', ' \n\t '],
    ['empty', ''],
    ['too long', 'x'.repeat(32_001)],
    ['too long, beyond the BMP', '🌱'.repeat(32_001)],
    ['with a NUL', 'a\0b'],
    ['with a lone surrogate', 'a\ud83cb'],
  ])('a question that is %s is refused by name, and nothing is stored', async (_what, question) => {
    const before = await countMessages();
    const [error] = await jane.errorsOf(AskQuestionDocument, { input: { question } });
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { question: expect.any(String) } });
    expect(await countMessages()).toBe(before);
  });

  test('the longest question is taken whole', async () => {
    const question = '🌱'.repeat(32_000);
    expect((await jane.ask(question, { stream: false })).question.content).toBe(question);
  });

  test.each(['no id', '', "' or 1=1 --", '01a2003b-9558-75fa-bdad-5c65b0515864', '🌱', 'a\0b'])(
    'an id that is none of mine (%j) is NOT_FOUND, and nothing is stored',
    async (conversationId) => {
      const before = await countMessages();
      const [error] = await jane.errorsOf(AskQuestionDocument, { input: { question: 'Hi', conversationId } });
      expect(error!.extensions).toMatchObject({ code: 'NOT_FOUND', fields: { conversationId: expect.any(String) } });
      expect(await countMessages()).toBe(before);
    },
  );

  test.each(['x'.repeat(65), '', 'a\0'])('a request id that is none (%j) is refused', async (requestId) => {
    const [error] = await jane.errorsOf(AskQuestionDocument, { input: { question: 'Hi', requestId } });
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { requestId: expect.any(String) } });
  });
});
