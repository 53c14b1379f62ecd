import { createClient } from 'graphql-sse';
import { print } from 'graphql';
import { AnswerStreamDocument, type AnswerStreamSubscription } from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { describeNginx, Nginx } from '../kit/nginx.js';
import { TestServer } from '../kit/server.js';
import { ApiClient, Follower } from '../kit/user.js';

describeNginx('behind nginx with its default settings', () => {
  let server: TestServer;
  let nginx: Nginx;
  beforeAll(async () => {
    server = await TestServer.start();
    // One instance, because nginx does not know which one has a stream of the single connection mode.
    nginx = await Nginx.start(server.instances[0]!.url);
  });
  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  /** Asks through nginx. Generates each token only when the one before it has arrived. */
  async function receiveOneByOne(follow: (jane: ApiClient, answerId: string) => Follower): Promise<void> {
    await using jane = new ApiClient(nginx.url, (await server.user()).accessToken);
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('How is the weather?');
    const call = await taken;
    const follower = follow(jane, answer.id);
    let text = '';
    for (const token of ['It ', 'is ', 'sunny', ' and ', 'warm.']) {
      call.delta(token);
      await follower.until((text += token));
    }
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: text });
  }

  test.each([
    ['distinct connections', false],
    ['a single connection', true],
  ])('each token arrives when it is generated, over Server-Sent Events with %s', async (_mode, singleConnection) => {
    const disposables: (() => void)[] = [];
    try {
      await receiveOneByOne((jane, answerId) => {
        const client = createClient<boolean>({
          url: `${nginx.url}/graphql/stream`,
          singleConnection,
          headers: { authorization: `Bearer ${jane.accessToken}` },
          retryAttempts: 0,
        });
        disposables.push(() => client.dispose());
        const follower = new Follower();
        client.subscribe<AnswerStreamSubscription>(
          { query: print(AnswerStreamDocument), variables: { answerId } },
          {
            next: ({ data, errors }) => (errors ? follower.fail(errors) : follower.push(data!.answerStream)),
            error: (error) => follower.fail(error),
            complete: () => follower.close(),
          },
        );
        return follower;
      });
    } finally {
      for (const dispose of disposables) dispose();
    }
  });

  test('each token arrives when it is generated, over a WebSocket', async () => {
    await receiveOneByOne((jane, answerId) => jane.follow(answerId));
  });
});
