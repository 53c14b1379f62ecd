import { LoginDocument } from '../../src/client/generated/graphql.js';
import { RegisterDocument } from '../../src/client/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { PASSWORD, TestServer } from '../kit/server.js';

describe('passwords', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(['12345678', 'Password1', 'qwertyuiop', 'ILOVEYOU1'])(
    'a commonly used one (%s) is refused',
    async (password) => {
      const [error] = await server.anyone.errorsOf(RegisterDocument, {
        input: { email: 'common@example.com', password },
      });
      expect(error!.extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        fields: { password: expect.stringContaining('tried first') },
      });
    },
  );

  test('while 50 logins are in flight, a running stream goes on', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Go on talking');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('.');
    await follower.until('.');

    let loggingIn = true;
    const logins = Promise.all(
      Array.from({ length: 50 }, () =>
        server.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } }),
      ),
    ).finally(() => (loggingIn = false));
    // Each token is sent when the one before has arrived, which takes 25 ms at most where another instance passes it on.
    // Were passwords hashed on the event loop, next to none would get through.
    let text = '.';
    let arrived = 0;
    while (loggingIn) {
      call.delta('.');
      await follower.until((text += '.'));
      if (loggingIn) arrived += 1;
    }
    expect(await logins).toHaveLength(50);
    expect(arrived).toBeGreaterThan(20);
    FakeProvider.done(call);
    await follower.rest();
  });
});
