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

    const input = { email: jane.email, password: PASSWORD };
    let isEnough = false;
    let signedIn = 0;
    const logins = Promise.all(
      Array.from({ length: 50 }, async () => {
        do {
          await server.anyone.request(LoginDocument, { input });
          signedIn += 1;
        } while (!isEnough);
      }),
    );
    // Each token is sent when the one before has arrived, which takes 25 ms at least where another instance passes it on.
    // Logins go on until enough have arrived, however fast the machine. Were passwords hashed on the event loop, several
    // hundred would be through by then; as it is, about as many as there are tokens.
    let text = '.';
    for (let arrived = 0; arrived < 21; arrived += 1) {
      call.delta('.');
      await follower.until((text += '.'));
    }
    isEnough = true;
    const through = signedIn;
    await logins;
    // Each instance hashes for itself.
    expect(through).toBeLessThan(150 * server.instances.length);
    FakeProvider.done(call);
    await follower.rest();
  });
});
