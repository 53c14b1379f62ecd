import {
  AskQuestionDocument,
  DeleteConversationDocument,
  RegenerateAnswerDocument,
} from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('askQuestion', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const countMessages = () => server.count('messages');

  test('returns the finished answer with stream: false', async () => {
    const { answer, conversation } = await jane.ask('All at once', { stream: false });
    expect(answer).toMatchObject({ status: 'COMPLETED', content: 'You asked: All at once' });
    expect(answer.finishedAt).not.toBeNull();
    expect((await jane.conversation(conversation.id)).lastMessage?.id).toBe(answer.id);
  });

  test('generates the answer without followers', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Alone');
    const call = await taken;
    call.delta('Without followers.');
    FakeProvider.done(call);
    const follower = jane.follow(answer.id);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Without followers.' });
  });

  test('sends the instructions and then the earlier exchanges in order', async () => {
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

  test('refuses a second question until the first answer is finished', async () => {
    const taken = server.provider.takeCall();
    const { conversation, answer } = await jane.ask('One');
    const call = await taken;
    const input = { question: 'Two', conversationId: conversation.id };
    const [error] = await jane.getErrors(AskQuestionDocument, { input });
    expect(error!.extensions).toEqual({ code: 'ANSWER_IN_PROGRESS', answerId: answer.id });
    call.delta('1');
    FakeProvider.done(call);
    await jane.follow(answer.id).rest();
    await jane.ask('Two', { conversationId: conversation.id, stream: false });
  });

  test('accepts exactly one of ten concurrent questions in a conversation', async () => {
    const { conversation } = await jane.ask('Start', { stream: false });
    const taken = server.provider.takeCall();
    const race = Array.from({ length: 10 }, () => jane.ask('Race', { conversationId: conversation.id }));
    const results = await Promise.allSettled(race);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected')
        expect(result.reason.response.errors[0].extensions).toEqual({
          code: 'ANSWER_IN_PROGRESS',
          answerId: expect.any(String),
        });
    }
    FakeProvider.done(await taken);
  });

  test('asks once for requests with the same request id', async () => {
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

  test('a request id stays claimed when its conversation is deleted', async () => {
    const { conversation, answer } = await jane.ask('Forget this', { requestId: 'r-2', stream: false });
    const again = { answerId: answer.id, requestId: 'r-3', stream: false };
    await jane.request(RegenerateAnswerDocument, { input: again });
    await jane.request(DeleteConversationDocument, { input: { id: conversation.id } });
    const before = server.provider.requests.length;
    const asked = await jane.getErrors(AskQuestionDocument, { input: { question: 'Forget this', requestId: 'r-2' } });
    const regenerated = await jane.getErrors(RegenerateAnswerDocument, { input: again });
    for (const [error] of [asked, regenerated])
      expect(error!.extensions).toMatchObject({ code: 'NOT_FOUND', fields: { requestId: expect.any(String) } });
    expect(server.provider.requests.length).toBe(before);
  });

  test.each([
    ['blank', ' \n\t '],
    ['empty', ''],
    ['too long', 'x'.repeat(32_001)],
    ['too long, outside the BMP', '🌱'.repeat(32_001)],
    ['NUL character', 'a\0b'],
    ['unpaired surrogate', 'a\ud83cb'],
  ])('refuses an invalid question (%s), names the field and stores nothing', async (_what, question) => {
    const before = await countMessages();
    const [error] = await jane.getErrors(AskQuestionDocument, { input: { question } });
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { question: expect.any(String) } });
    expect(await countMessages()).toBe(before);
  });

  test('stores a question of the maximum length unchanged', async () => {
    const question = '🌱'.repeat(32_000);
    expect((await jane.ask(question, { stream: false })).question.content).toBe(question);
  });

  test.each(['no id', '', "' or 1=1 --", '01a2003b-9558-75fa-bdad-5c65b0515864', '🌱', 'a\0b'])(
    'returns NOT_FOUND for the unknown conversation id %j and stores nothing',
    async (conversationId) => {
      const before = await countMessages();
      const [error] = await jane.getErrors(AskQuestionDocument, { input: { question: 'Hi', conversationId } });
      expect(error!.extensions).toMatchObject({ code: 'NOT_FOUND', fields: { conversationId: expect.any(String) } });
      expect(await countMessages()).toBe(before);
    },
  );

  test.each(['x'.repeat(65), '', 'a\0'])('refuses the invalid request id %j', async (requestId) => {
    const [error] = await jane.getErrors(AskQuestionDocument, { input: { question: 'Hi', requestId } });
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { requestId: expect.any(String) } });
  });
});
