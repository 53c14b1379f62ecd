import { AskQuestionDocument, ConversationDocument, MessageDocument } from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

describe('isolation between users', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test('another user can access neither the conversation nor its messages, during or after an answer', async () => {
    const [jane, mallory] = [await server.user(), await server.user()];
    const taken = server.provider.takeCall();
    const { conversation, question, answer } = await jane.ask('My secret');
    const call = await taken;
    call.delta('is safe');

    for (const _when of ['during', 'after']) {
      expect((await mallory.request(ConversationDocument, { id: conversation.id })).conversation).toBeNull();
      for (const { id } of [question, answer]) {
        expect((await mallory.request(MessageDocument, { id })).message).toBeNull();
        await expect(mallory.follow(id).rest()).rejects.toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
      }
      const input = { question: 'Let me in', conversationId: conversation.id };
      expect(await mallory.getErrorCode(AskQuestionDocument, { input })).toBe('NOT_FOUND');
      // The id of another type and an id in upper case are unknown too.
      expect((await jane.request(MessageDocument, { id: answer.id.toUpperCase() })).message).toBeNull();
      expect((await jane.request(MessageDocument, { id: conversation.id })).message).toBeNull();
      expect((await jane.request(ConversationDocument, { id: answer.id })).conversation).toBeNull();
      FakeProvider.done(call);
      await jane.follow(answer.id).rest();
    }
    expect((await jane.conversation(conversation.id)).messages.totalCount).toBe(2);
  });

  test('without a token every operation on conversations is UNAUTHENTICATED', async () => {
    const jane = await server.user();
    const { conversation, answer } = await jane.ask('Mine', { stream: false });
    expect(await server.anyone.getErrorCode(ConversationDocument, { id: conversation.id })).toBe('UNAUTHENTICATED');
    expect(await server.anyone.getErrorCode(MessageDocument, { id: answer.id })).toBe('UNAUTHENTICATED');
    expect(await server.anyone.getErrorCode(AskQuestionDocument, { input: { question: 'Hi' } })).toBe(
      'UNAUTHENTICATED',
    );
    await expect(server.anyone.follow(answer.id).rest()).rejects.toMatchObject([
      { extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });
});
