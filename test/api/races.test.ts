import { jest } from '@jest/globals';
import { SqlEntityManager } from '@mikro-orm/sql';
import { User } from '../../src/auth/user.entity.js';
import { SessionService } from '../../src/auth/session.service.js';
import {
  AskQuestionDocument,
  LogoutAllDocument,
  RenameConversationDocument,
} from '../../src/client/generated/graphql.js';
import { ConversationService } from '../../src/conversations/conversation.service.js';
import { UsageService } from '../../src/memory/usage.service.js';
import { Message } from '../../src/messages/message.entity.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

/** Each holds a request at the moment at which something else happens. */
describe('what happens between two steps of a request', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('a session that ends while its event stream is being opened hears nothing', async () => {
    const { authenticate } = SessionService.prototype;
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    let holds = false;
    jest.spyOn(SessionService.prototype, 'authenticate').mockImplementation(async function (
      this: SessionService,
      ...of
    ) {
      const viewer = await authenticate.apply(this, of);
      if (holds) {
        holds = false;
        reached.resolve();
        await released.promise;
      }
      return viewer;
    });
    await using server = await TestServer.start();
    const jane = await server.user();
    const { answer } = await jane.ask('A secret', { stream: false });

    holds = true;
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

  test('an account that is deleted while it asks is signed out', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    jest.spyOn(UsageService.prototype, 'assertWithinQuota').mockImplementationOnce(async (em, id) => {
      await em.nativeDelete(User, { id });
    });
    expect(await jane.codeOf(AskQuestionDocument, { input: { question: 'Am I here?' } })).toBe('UNAUTHENTICATED');
  });

  test('the name that its owner gives stays, also where it is the one that was there before a title came', async () => {
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

  test('a follower whose answer cannot be read is let go', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Read me');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('So far');
    await follower.until('So far');

    const { findOne } = SqlEntityManager.prototype;
    const broken = function (this: SqlEntityManager, ...of: Parameters<typeof findOne>) {
      const [entity, where] = of as unknown as [unknown, object];
      const isFollowing = of.length === 2 && entity === Message && Object.keys(where).join() === 'id';
      return isFollowing ? Promise.reject(new Error('The disk is broken.')) : findOne.apply(this, of);
    };
    jest.spyOn(SqlEntityManager.prototype, 'findOne').mockImplementation(broken as never);
    FakeProvider.done(call);
    await expect(follower.rest()).rejects.toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(server.instances.map(({ services }) => services.following.followers)).toEqual(server.instances.map(() => 0));
  });
});
