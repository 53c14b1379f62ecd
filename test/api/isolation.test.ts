import { AskQuestionDocument, ConversationDocument, MessageDocument } from '../../src/client/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

describe("nobody sees another's things", () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test('by any id, before, during or after an answer', async () => {
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
      expect(await mallory.codeOf(AskQuestionDocument, { input })).toBe('NOT_FOUND');
      // Another kind of id is unknown, too, and one that is spelt otherwise.
      expect((await jane.request(MessageDocument, { id: answer.id.toUpperCase() })).message).toBeNull();
      expect((await jane.request(MessageDocument, { id: conversation.id })).message).toBeNull();
      expect((await jane.request(ConversationDocument, { id: answer.id })).conversation).toBeNull();
      FakeProvider.done(call);
      await jane.follow(answer.id).rest();
    }
    expect((await jane.conversation(conversation.id)).messages.totalCount).toBe(2);
  });

  test('without a token nothing is seen at all', async () => {
    const jane = await server.user();
    const { conversation, answer } = await jane.ask('Mine', { stream: false });
    expect(await server.anyone.codeOf(ConversationDocument, { id: conversation.id })).toBe('UNAUTHENTICATED');
    expect(await server.anyone.codeOf(MessageDocument, { id: answer.id })).toBe('UNAUTHENTICATED');
    expect(await server.anyone.codeOf(AskQuestionDocument, { input: { question: 'Hi' } })).toBe('UNAUTHENTICATED');
    await expect(server.anyone.follow(answer.id).rest()).rejects.toMatchObject([
      { extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });
});
