import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import {
  AnswerStreamDocument,
  ChangePasswordDocument,
  LoginDocument,
  LogoutAllDocument,
  LogoutDocument,
  MeDocument,
  RefreshTokensDocument,
  SessionsDocument,
} from '../../client/src/generated/graphql.js';
import { RefreshToken } from '../../src/auth/refresh-token.entity.js';
import { Session } from '../../src/auth/session.entity.js';
import { print } from 'graphql';
import { FakeProvider } from '../kit/fake-provider.js';
import { until } from '../kit/until.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { openSignedInSocket } from '../kit/signed-in-socket.js';
import type { ApiClient } from '../kit/user.js';

describe('sessions', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  const em = () => server.server.services.orm.em.fork();
  const login = async (email: string) =>
    (await server.anyone.request(LoginDocument, { input: { email, password: PASSWORD } })).login;
  const refresh = async (refreshToken: string) =>
    (await server.anyone.request(RefreshTokensDocument, { input: { refreshToken } })).refreshTokens;
  const refreshCode = (refreshToken: string) =>
    server.anyone.getErrorCode(RefreshTokensDocument, { input: { refreshToken } });
  /** Sets `spentAt` of all used tokens to this long ago. */
  const backdateUse = (milliseconds: number) =>
    em().nativeUpdate(RefreshToken, { spentAt: { $ne: null } }, { spentAt: new Date(Date.now() - milliseconds) });

  describe('rotation', () => {
    test('a refresh token is exchanged for a working pair of tokens in the same session', async () => {
      const jane = await server.user();
      const first = await login(jane.email);
      const second = await refresh(first.refreshToken);
      const third = await refresh(second.refreshToken);
      expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
      expect((await server.client(third.accessToken).request(MeDocument)).me.id).toBe(jane.id);
      // One session of the registration and one of the login; refreshing creates no session.
      expect((await jane.request(SessionsDocument)).sessions).toHaveLength(2);
    });

    test('reusing an older refresh token after the grace period ends its session and is logged', async () => {
      const jane = await server.user();
      const stolen = (await login(jane.email)).refreshToken;
      const owner = await refresh((await refresh(stolen)).refreshToken);
      await backdateUse(11_000);
      expect(await refreshCode(stolen)).toBe('UNAUTHENTICATED');
      expect(await refreshCode(owner.refreshToken)).toBe('UNAUTHENTICATED');
      expect(await server.client(owner.accessToken).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
      expect(server.logged.filter((line) => line.includes('refresh_token_reused'))).toHaveLength(1);
      expect(server.logged.join('')).not.toContain(stolen);
      // Other sessions of the user stay active.
      expect((await jane.request(SessionsDocument)).sessions).toHaveLength(1);
    });

    test('concurrent uses of one refresh token each get a working pair, of which one stays alive', async () => {
      const jane = await server.user();
      const shared = (await login(jane.email)).refreshToken;
      const pairs = await Promise.all(Array.from({ length: 20 }, () => refresh(shared)));
      expect(new Set(pairs.map(({ refreshToken }) => refreshToken)).size).toBe(20);
      for (const { accessToken } of pairs) await server.client(accessToken).request(MeDocument);
      const next = await Promise.all(pairs.slice(0, 3).map(({ refreshToken }) => refresh(refreshToken)));
      await backdateUse(11_000);
      const last = await refresh(next[1]!.refreshToken);
      expect((await server.client(last.accessToken).request(MeDocument)).me.id).toBe(jane.id);
      expect(await refreshCode(next[2]!.refreshToken)).toBe('UNAUTHENTICATED');
      expect(await server.client(last.accessToken).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    });

    test('a client that did not receive its new tokens can use the previous one again at any time', async () => {
      const jane = await server.user();
      const first = (await login(jane.email)).refreshToken;
      const lost = await refresh(first);
      await backdateUse(24 * 3_600_000);
      const second = await refresh(first);
      await backdateUse(24 * 3_600_000);
      const third = await refresh(second.refreshToken);
      await server.client(third.accessToken).request(MeDocument);
      // The lost token was not the one that was used.
      expect(await refreshCode(lost.refreshToken)).toBe('UNAUTHENTICATED');
      expect(await server.client(third.accessToken).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    });

    test.each(['', 'nonsense', 'x'.repeat(10_000), 'a\0b'])(
      'an unknown refresh token is UNAUTHENTICATED: %#',
      async (token) => {
        expect(await refreshCode(token)).toBe('UNAUTHENTICATED');
      },
    );

    test('an expired refresh token is UNAUTHENTICATED', async () => {
      const jane = await server.user();
      const { refreshToken } = await login(jane.email);
      await em().nativeUpdate(RefreshToken, {}, { expiresAt: new Date() });
      expect(await refreshCode(refreshToken)).toBe('UNAUTHENTICATED');
    });
  });

  test('sessions lists the active sessions with their user agents', async () => {
    const jane = await server.user();
    await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': `Telephone/1.0 ${'x'.repeat(1_000)}` },
      body: JSON.stringify({
        query: print(LoginDocument),
        variables: { input: { email: jane.email, password: PASSWORD } },
      }),
    });
    const { sessions } = await jane.request(SessionsDocument);
    expect(sessions.map(({ current }) => current)).toEqual([false, true]);
    expect(sessions[0]!.userAgent).toMatch(/^Telephone\/1\.0 x+$/);
    expect(sessions[0]!.userAgent).toHaveLength(400);
    const john = await server.user();
    expect((await john.request(SessionsDocument)).sessions).toHaveLength(1);
  });

  test('logout ends its session, closes its sockets and always returns true', async () => {
    const jane = await server.user();
    const other = await login(jane.email);
    const socket = await openSignedInSocket(server.url, other.accessToken);
    const bystander = await openSignedInSocket(server.url, jane.accessToken!);
    const logout = (refreshToken: string) => server.anyone.request(LogoutDocument, { input: { refreshToken } });
    expect(await logout(other.refreshToken)).toEqual({ logout: true });
    expect(await server.client(other.accessToken).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    expect(await socket.closed).toBe(4403);
    expect(await refreshCode(other.refreshToken)).toBe('UNAUTHENTICATED');
    expect(await logout(other.refreshToken)).toEqual({ logout: true });
    expect(await logout('unknown')).toEqual({ logout: true });
    await jane.request(MeDocument);
    await jane.request(LogoutAllDocument);
    expect(await bystander.closed).toBe(4403);
  });

  test('logoutAll ends all sessions and closes a running subscription', async () => {
    const jane = await server.user();
    await login(jane.email);
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Stay?');
    const follower = jane.follow(answer.id);
    const call = await taken;
    call.delta('Sure');
    await follower.until('Sure');
    expect(await jane.request(LogoutAllDocument)).toEqual({ logoutAll: 2 });
    await expect(follower.rest()).rejects.toMatchObject({ code: 4403 });
    expect(await jane.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');

    // The answer is still generated and can be read after the next login.
    FakeProvider.done(call);
    const again = server.client((await login(jane.email)).accessToken);
    await again.follow(answer.id).rest();
    expect((await again.message(answer.id)).content).toBe('Sure');
  });

  describe('changePassword', () => {
    const change = async (client: ApiClient, currentPassword: string, newPassword: string) =>
      (await client.request(ChangePasswordDocument, { input: { currentPassword, newPassword } })).changePassword;

    test('ends all other sessions and revokes the earlier tokens of its own', async () => {
      const jane = await server.user();
      const here = await login(jane.email);
      const socket = await openSignedInSocket(server.url, jane.accessToken!);
      const payload = await change(server.client(here.accessToken), PASSWORD, 'a quite different one');
      expect(await jane.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
      expect(await socket.closed).toBe(4403);
      expect(await refreshCode(here.refreshToken)).toBe('UNAUTHENTICATED');
      expect(await server.client(here.accessToken).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
      const renewed = await refresh(payload.refreshToken);
      expect((await server.client(renewed.accessToken).request(SessionsDocument)).sessions).toMatchObject([
        { current: true },
      ]);
      expect(
        await server.anyone.getErrorCode(LoginDocument, { input: { email: jane.email, password: PASSWORD } }),
      ).toBe('UNAUTHENTICATED');
      await server.anyone.request(LoginDocument, { input: { email: jane.email, password: 'a quite different one' } });
    });

    test('closes the connections of its own session, after the response with the new tokens', async () => {
      const jane = await server.user();
      const own = await openSignedInSocket(server.url, jane.accessToken!);
      const other = await openSignedInSocket(server.url, jane.accessToken!);
      const stream = await fetch(`${server.url}/graphql/stream`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${jane.accessToken}`,
          'content-type': 'application/json',
          accept: 'text/event-stream',
        },
        body: JSON.stringify({ query: 'subscription { conversationUpdates { __typename } }' }),
      });
      const variables = { input: { currentPassword: PASSWORD, newPassword: 'a quite different one' } };
      const payload = { query: print(ChangePasswordDocument), variables };
      own.socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
      const [message] = (await once(own.socket, 'message')) as [Buffer];
      const token = /"accessToken":"([^"]+)"/.exec(message.toString())![1]!;
      const renewed = await openSignedInSocket(server.url, token);
      expect(await Promise.all([own.closed, other.closed])).toEqual([4403, 4403]);
      // The response is cut off, so that clients reconnect.
      await expect(stream.text()).rejects.toThrow('terminated');
      renewed.socket.send(JSON.stringify({ type: 'ping' }));
      expect(String(((await once(renewed.socket, 'message')) as [Buffer])[0])).toContain('pong');
      renewed.socket.close();
    });

    test('requires the current password and rejects a commonly used one', async () => {
      const jane = await server.user();
      const rejected = await jane.getErrors(ChangePasswordDocument, {
        input: { currentPassword: 'wrong', newPassword: 'a quite different one' },
      });
      expect(rejected[0]!.extensions).toMatchObject({
        code: 'UNAUTHENTICATED',
        fields: { currentPassword: expect.any(String) },
      });
      const common = await jane.getErrors(ChangePasswordDocument, {
        input: { currentPassword: PASSWORD, newPassword: 'Password1' },
      });
      expect(common[0]!.extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        fields: { newPassword: expect.any(String) },
      });
      await jane.request(MeDocument);
    });
  });

  test('cleanUp deletes only sessions that ended or expired more than 30 days ago', async () => {
    const [ended, expired, kept] = [await server.user(), await server.user(), await server.user()];
    const days = (n: number) => new Date(Date.now() - n * 86_400_000);
    await em().nativeUpdate(Session, { user: ended.id }, { endedAt: days(31) });
    await em().nativeUpdate(Session, { user: expired.id }, { expiresAt: days(31) });
    const other = await login(kept.email);
    await server.anyone.request(LogoutDocument, { input: { refreshToken: other.refreshToken } });
    await em().nativeUpdate(Session, { user: kept.id, endedAt: { $ne: null } }, { endedAt: days(29) });

    expect(await server.server.services.sessions.cleanUp(em())).toBe(2);
    expect(await em().count(Session, { user: kept.id })).toBe(2);
    expect(await em().count(Session, { user: { $in: [ended.id, expired.id] } })).toBe(0);
  });
});

test('connections are closed whose session has ended, even if the message about it is lost', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const john = await server.user();
  const connected = () => server.instances.flatMap(({ services }) => services.connections.sessionIds);
  // Subscriptions keep the sockets open: graphql-ws closes a socket without operations.
  const early = Promise.withResolvers<never>();
  const stays = {
    next: () => {},
    error: early.reject,
    complete: () => early.reject(new Error('A subscription completed unexpectedly.')),
  };
  // Later closes of the sockets are expected.
  early.promise.catch(() => {});
  for (const user of [jane, john]) user.subscribe('subscription { conversationUpdates { __typename } }', {}, stays);
  await Promise.race([until(() => connected().length === 2), early.promise]);
  const open = connected();
  // As if another instance had ended the session and its message had been lost.
  await server.em.nativeUpdate(Session, { user: john.id }, { endedAt: new Date() });
  const ids = [...open, '00000000-0000-7000-8000-000000000000'];
  const versions = await server.server.services.sessions.findTokenVersions(server.em, ids);
  const [session] = await server.em.find(Session, { user: jane.id });
  expect(versions).toEqual(new Map([[session!.id, 0]]));
  for (const instance of server.instances) instance.services.connections.closeOutdated(ids, versions);
  expect(connected()).toEqual([session!.id]);
});

test('a socket is closed with 4403 when its token expires, and the client resumes with a fresh token', async () => {
  await using server = await TestServer.start({ JWT_EXPIRES_IN: '6s' });
  const email = 'expiring@example.com';
  const jane = await server.user({ email });
  let tokens = (await server.anyone.request(LoginDocument, { input: { email, password: PASSWORD } })).login;
  const taken = server.provider.takeCall();
  const { answer } = await jane.ask('A long one');
  const call = await taken;

  let text = '';
  let connections = 0;
  const closes: number[] = [];
  const closedOnce = Promise.withResolvers<void>();
  const client = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 5,
    retryWait: async () => {},
    shouldRetry: () => true,
    connectionParams: async () => {
      if (connections++ > 0) {
        const input = { refreshToken: tokens.refreshToken };
        tokens = (await server.anyone.request(RefreshTokensDocument, { input })).refreshTokens;
      }
      return { authorization: `Bearer ${tokens.accessToken}` };
    },
    on: {
      closed: (event) => {
        closes.push((event as { code: number }).code);
        closedOnce.resolve();
      },
    },
  });
  const ended = new Promise<void>((resolve, reject) =>
    client.subscribe<{ answerStream: { __typename: string; offset: number; text: string } }>(
      { query: print(AnswerStreamDocument), variables: { answerId: answer.id } },
      {
        next: ({ data }) => {
          const event = data!.answerStream;
          if (event.__typename === 'AnswerDelta') text = text.slice(0, event.offset) + event.text;
        },
        error: reject,
        complete: resolve,
      },
    ),
  );
  call.delta('before, ');
  await closedOnce.promise;
  call.delta('and after');
  FakeProvider.done(call);
  await ended;
  expect(text).toBe('before, and after');
  // On a slow machine more than one token may expire. Each close is 4403 and is followed by one connection.
  expect(new Set(closes)).toEqual(new Set([4403]));
  expect(connections).toBe(closes.length + 1);
  await client.dispose();
});

test('a login with the old password does not outlive a concurrent change of the password', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const input = { email: jane.email, password: PASSWORD };
  const logins = Array.from({ length: 12 }, async (_, i) => {
    await new Promise((resolve) => setTimeout(resolve, i * 8));
    return await server.anyone.request(LoginDocument, { input }).then(
      ({ login }) => login.accessToken,
      () => null,
    );
  });
  const change = { currentPassword: PASSWORD, newPassword: 'a quite different one' };
  const { changePassword } = await jane.request(ChangePasswordDocument, { input: change });
  for (const token of await Promise.all(logins)) {
    if (token) expect(await server.client(token).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
  }
  await server.client(changePassword.accessToken).request(MeDocument);
});
