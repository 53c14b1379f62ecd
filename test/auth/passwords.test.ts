import { jest } from '@jest/globals';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { hash } from 'argon2';
import { findWeakness } from '../../src/auth/password-strength.js';
import { Passwords } from '../../src/auth/passwords.js';
import { User } from '../../src/auth/user.entity.js';
import { ChangePasswordDocument, LoginDocument, RegisterDocument } from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { PASSWORD, TestServer } from '../kit/server.js';

describe('passwords', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(['12345678', 'Password1', 'qwertyuiop', 'ILOVEYOU1'])(
    'rejects a commonly used password (%s)',
    async (password) => {
      const [error] = await server.anyone.getErrors(RegisterDocument, {
        input: { email: 'common@example.com', password },
      });
      expect(error!.extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        fields: { password: expect.stringContaining('commonly used') },
      });
    },
  );

  test.each(['jane.doe.1990', 'Wilhelmina!', 'passwordpassword', '2024-01-01', 'abcabcabcabc', 'P@ssw0rd!'])(
    'rejects a password that is easy to guess, also from the data of the user (%s)',
    async (password) => {
      const input = { email: 'jane.doe.1990@example.com', name: 'Wilhelmina', password };
      const [error] = await server.anyone.getErrors(RegisterDocument, { input });
      expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { password: expect.any(String) } });
      const user = await server.user({ name: 'Wilhelmina' });
      const change = { currentPassword: PASSWORD, newPassword: password === 'jane.doe.1990' ? user.email : password };
      const [refused] = await user.getErrors(ChangePasswordDocument, { input: change });
      expect(refused!.extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        fields: { newPassword: expect.any(String) },
      });
    },
  );

  test('estimates the strength of the beginning of a password, and with few substitutions', () => {
    const check = jest.spyOn(ZxcvbnFactory.prototype, 'check');
    try {
      for (const text of ['p4ssw0rd', '1l!I', '@$0!13457', '12/12/1999']) findWeakness(text.repeat(16), []);
      for (const [password] of check.mock.calls) expect(password.length).toBeLessThanOrEqual(32);
      // With the default of 100, the first one blocks the event loop for seconds.
      for (const { options } of check.mock.contexts as unknown as { options: { l33tMaxSubstitutions: number } }[])
        expect(options.l33tMaxSubstitutions).toBeLessThanOrEqual(4);
      expect(check).toHaveBeenCalledTimes(4);
    } finally {
      check.mockRestore();
    }
  });

  test('passwords that differ only in their Unicode normalisation are the same', async () => {
    const [composed, decomposed] = ['grüne Wiese im Nebel', 'grüne Wiese im Nebel'.normalize('NFD')];
    const { email } = await server.user({ password: decomposed });
    await server.anyone.request(LoginDocument, { input: { email, password: composed } });
    // An earlier version has hashed the password as it was given.
    await server.em.nativeUpdate(User, { email }, { passwordHash: await hash(decomposed) });
    await server.anyone.request(LoginDocument, { input: { email, password: decomposed } });
  });

  test('a login renews a hash with other parameters', async () => {
    const { email } = await server.user();
    const readHash = async () =>
      (await server.em.findOneOrFail(User, { email }, { populate: ['passwordHash'] })).passwordHash;
    await server.em.nativeUpdate(User, { email }, { passwordHash: await hash(PASSWORD, { memoryCost: 4096 }) });
    await server.anyone.request(LoginDocument, { input: { email, password: PASSWORD } });
    const renewed = await readHash();
    expect(renewed).toContain('m=19456');
    await server.anyone.request(LoginDocument, { input: { email, password: PASSWORD } });
    expect(await readHash()).toBe(renewed);
  });

  test('addresses take turns in the queue of hashes, and clients that have left are dropped', async () => {
    const passwords = new Passwords();
    const finished: string[] = [];
    const verify = (address: string, isConnected = true) =>
      passwords.verify(null, 'x', { address, isConnected: () => isConnected }).then(
        () => finished.push(address),
        () => finished.push(`${address} refused`),
      );
    const many = Array.from({ length: 20 }, () => verify('many'));
    await Promise.all([verify('one'), verify('left', false)]);
    expect(finished.filter((address) => address === 'many').length).toBeLessThan(8);
    expect(finished).toContain('left refused');
    await Promise.all(many);
  });

  test('a full queue refuses the address that fills it', async () => {
    const passwords = new Passwords({ running: 2, waiting: 20 });
    const flood = Array.from({ length: 30 }, () => passwords.verify(null, 'x', { address: 'flood' }));
    const other = passwords.verify(null, 'x', { address: 'other' });
    await expect(other).resolves.toBe(false);
    const results = await Promise.allSettled(flood);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(9);
  });

  test('a running stream continues during 50 concurrent logins', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Continue');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('.');
    await follower.until('.');

    const input = { email: jane.email, password: PASSWORD };
    let isDone = false;
    let signedIn = 0;
    const logins = Promise.all(
      Array.from({ length: 50 }, async () => {
        do {
          await server.anyone.request(LoginDocument, { input });
          signedIn += 1;
        } while (!isDone);
      }),
    );
    // Each token is sent after the previous one has arrived, which takes at least 25 ms if another instance relays it.
    // Logins continue until all tokens have arrived, so the result does not depend on the speed of the machine. If
    // passwords were hashed on the event loop, several hundred logins would complete; now about as many complete as
    // there are tokens.
    let text = '.';
    for (let arrived = 0; arrived < 21; arrived += 1) {
      call.delta('.');
      await follower.until((text += '.'));
    }
    isDone = true;
    const completedLogins = signedIn;
    await logins;
    // Each instance hashes its own logins.
    expect(completedLogins).toBeLessThan(150 * server.instances.length);
    FakeProvider.done(call);
    await follower.rest();
  });
});
