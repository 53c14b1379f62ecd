import { jest } from '@jest/globals';
import { User } from '../../src/auth/user.entity.js';
import { SessionService } from '../../src/auth/session.service.js';
import {
  AskQuestionDocument,
  LogoutAllDocument,
  RenameConversationDocument,
} from '../../client/src/generated/graphql.js';
import { ConversationService } from '../../src/conversations/conversation.service.js';
import { messageById } from '../../src/messages/message.row.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

/** Each test pauses a request while something else happens. */
describe('races within a request', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('a session that ends while its event stream is being opened receives no data', async () => {
    const { authenticate } = SessionService.prototype;
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    let isHolding = false;
    jest.spyOn(SessionService.prototype, 'authenticate').mockImplementation(async function (
      this: SessionService,
      ...of
    ) {
      const viewer = await authenticate.apply(this, of);
      if (isHolding) {
        isHolding = false;
        reached.resolve();
        await released.promise;
      }
      return viewer;
    });
    await using server = await TestServer.start();
    const jane = await server.user();
    const { answer } = await jane.ask('A secret', { stream: false });

    isHolding = true;
    const streamed = fetch(`${server.url}/graphql/stream`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${jane.accessToken}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({
        query: 'subscription ($id: ID!) { answerStream(answerId: $id) { ... on AnswerDelta { text } } }',
        variables: { id: answer.id },
      }),
    });
    await reached.promise;
    await jane.request(LogoutAllDocument);
    released.resolve();
    const text = await (await streamed).text();
    expect(text).toContain('UNAUTHENTICATED');
    expect(text).not.toContain('secret');
  });

  test('a question is UNAUTHENTICATED if its account is deleted meanwhile', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    jest.spyOn(SessionService.prototype, 'holdGuest').mockImplementationOnce(async (tx, { userId }) => {
      await tx.nativeDelete(User, { id: userId });
    });
    expect(await jane.getErrorCode(AskQuestionDocument, { input: { question: 'Am I here?' } })).toBe('UNAUTHENTICATED');
  });

  test('a renamed title survives a concurrent generated one, even if it equals the previous title', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const title = Promise.withResolvers<object>();
    server.provider.structured = () => title.promise;
    const { conversation } = await jane.ask('Tents', { stream: false });

    const { get } = ConversationService.prototype;
    jest.spyOn(ConversationService.prototype, 'get').mockImplementationOnce(async function (
      this: ConversationService,
      ...of
    ) {
      const found = await get.apply(this, of);
      title.resolve({ title: 'Generated' });
      await server.settled();
      return found;
    });
    const input = { id: conversation.id, title: 'Tents' };
    expect((await jane.request(RenameConversationDocument, { input })).renameConversation.title).toBe('Tents');
    expect((await jane.conversation(conversation.id)).title).toBe('Tents');
  });

  test('a subscription fails if its answer cannot be read', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Read me');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('So far');
    await follower.until('So far');

    jest.spyOn(messageById, 'get').mockRejectedValue(new Error('The disk is broken.'));
    FakeProvider.done(call);
    await expect(follower.rest()).rejects.toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(server.instances.map(({ services }) => services.following.followers)).toEqual(server.instances.map(() => 0));
  });
});
