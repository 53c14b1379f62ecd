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
} from '../../src/client/generated/graphql.js';
import { RefreshToken } from '../../src/auth/refresh-token.entity.js';
import { Session } from '../../src/auth/session.entity.js';
import { print } from 'graphql';
import { FakeProvider } from '../kit/fake-provider.js';
import { until } from '../kit/until.js';
import { PASSWORD, TestServer } from '../kit/server.js';
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
  const refusalOf = (refreshToken: string) => server.anyone.codeOf(RefreshTokensDocument, { input: { refreshToken } });
  /** Makes it look as if the token had been spent that long ago. */
  const spentAgo = (milliseconds: number) =>
    em().nativeUpdate(RefreshToken, { spentAt: { $ne: null } }, { spentAt: new Date(Date.now() - milliseconds) });

  /** A socket of this user's that has been acknowledged; resolves with its close code. */
  async function openSocket(accessToken: string): Promise<{ closed: Promise<number> }> {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${accessToken}` } }));
    await once(socket, 'message');
    return { closed: once(socket, 'close').then(([code]) => code as number) };
  }

  describe('rotation', () => {
    test('each refresh token is traded once for a pair that works, in the same session', async () => {
      const jane = await server.user();
      const first = await login(jane.email);
      const second = await refresh(first.refreshToken);
      const third = await refresh(second.refreshToken);
      expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
      expect((await server.client(third.accessToken).request(MeDocument)).me.id).toBe(jane.id);
      // The one of registering and the one of the login, however often it was refreshed.
      expect((await jane.request(SessionsDocument)).sessions).toHaveLength(2);
    });

    test('a spent one shown after the grace period ends its session, and is logged', async () => {
      const jane = await server.user();
      const stolen = (await login(jane.email)).refreshToken;
      const owner = await refresh(stolen);
      await spentAgo(11_000);
      expect(await refusalOf(stolen)).toBe('UNAUTHENTICATED');
      expect(await refusalOf(owner.refreshToken)).toBe('UNAUTHENTICATED');
      expect(await server.client(owner.accessToken).codeOf(MeDocument)).toBe('UNAUTHENTICATED');
      expect(server.logged.filter((line) => line.includes('refresh_token_reused'))).toHaveLength(1);
      expect(server.logged.join('')).not.toContain(stolen);
      // Another session of the same user is not concerned.
      expect((await jane.request(SessionsDocument)).sessions).toHaveLength(1);
    });

    test('within the grace period both tabs go on, and neither is logged out afterwards', async () => {
      const jane = await server.user();
      const shared = (await login(jane.email)).refreshToken;
      const [one, two] = [await refresh(shared), await refresh(shared)];
      await spentAgo(60_000);
      const [one2, two2] = [await refresh(one.refreshToken), await refresh(two.refreshToken)];
      for (const { accessToken } of [one2, two2]) await server.client(accessToken).request(MeDocument);
      expect((await refresh(one2.refreshToken)).user.id).toBe(jane.id);
    });

    test('it holds when 20 refresh one token at once', async () => {
      const jane = await server.user();
      const shared = (await login(jane.email)).refreshToken;
      const pairs = await Promise.all(Array.from({ length: 20 }, () => refresh(shared)));
      expect(new Set(pairs.map(({ refreshToken }) => refreshToken)).size).toBe(20);
      await spentAgo(60_000);
      const next = await Promise.all(pairs.map(({ refreshToken }) => refresh(refreshToken)));
      for (const { accessToken } of next) await server.client(accessToken).request(MeDocument);
      expect(await refusalOf(shared)).toBe('UNAUTHENTICATED');
    });

    test.each(['', 'nonsense', 'x'.repeat(10_000), 'a\0b'])('an unknown one is UNAUTHENTICATED: %#', async (token) => {
      expect(await refusalOf(token)).toBe('UNAUTHENTICATED');
    });

    test('an expired one is UNAUTHENTICATED', async () => {
      const jane = await server.user();
      const { refreshToken } = await login(jane.email);
      await em().nativeUpdate(RefreshToken, {}, { expiresAt: new Date() });
      expect(await refusalOf(refreshToken)).toBe('UNAUTHENTICATED');
    });
  });

  test('where you are signed in', async () => {
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

  test('logout ends the one session, at once and for its sockets too; and is true in any case', async () => {
    const jane = await server.user();
    const other = await login(jane.email);
    const socket = await openSocket(other.accessToken);
    const bystander = await openSocket(jane.accessToken!);
    const logout = (refreshToken: string) => server.anyone.request(LogoutDocument, { input: { refreshToken } });
    expect(await logout(other.refreshToken)).toEqual({ logout: true });
    expect(await server.client(other.accessToken).codeOf(MeDocument)).toBe('UNAUTHENTICATED');
    expect(await socket.closed).toBe(4403);
    expect(await refusalOf(other.refreshToken)).toBe('UNAUTHENTICATED');
    expect(await logout(other.refreshToken)).toEqual({ logout: true });
    expect(await logout('unknown')).toEqual({ logout: true });
    await jane.request(MeDocument);
    await jane.request(LogoutAllDocument);
    expect(await bystander.closed).toBe(4403);
  });

  test('logoutAll ends them all, and cuts a running subscription', async () => {
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
    expect(await jane.codeOf(MeDocument)).toBe('UNAUTHENTICATED');

    // The answer goes on, and is there after the next login.
    FakeProvider.done(call);
    const again = server.client((await login(jane.email)).accessToken);
    await again.follow(answer.id).rest();
    expect((await again.message(answer.id)).content).toBe('Sure');
  });

  describe('changePassword', () => {
    const change = async (client: ApiClient, currentPassword: string, newPassword: string) =>
      (await client.request(ChangePasswordDocument, { input: { currentPassword, newPassword } })).changePassword;

    test('ends every other session, and all earlier refresh tokens', async () => {
      const jane = await server.user();
      const here = await login(jane.email);
      const socket = await openSocket(jane.accessToken!);
      const payload = await change(server.client(here.accessToken), PASSWORD, 'a quite different one');
      expect(await jane.codeOf(MeDocument)).toBe('UNAUTHENTICATED');
      expect(await socket.closed).toBe(4403);
      expect(await refusalOf(here.refreshToken)).toBe('UNAUTHENTICATED');
      const renewed = await refresh(payload.refreshToken);
      expect((await server.client(renewed.accessToken).request(SessionsDocument)).sessions).toMatchObject([
        { current: true },
      ]);
      expect(await server.anyone.codeOf(LoginDocument, { input: { email: jane.email, password: PASSWORD } })).toBe(
        'UNAUTHENTICATED',
      );
      await server.anyone.request(LoginDocument, { input: { email: jane.email, password: 'a quite different one' } });
    });

    test('asks for the current one, and takes no common one', async () => {
      const jane = await server.user();
      const refused = await jane.errorsOf(ChangePasswordDocument, {
        input: { currentPassword: 'wrong', newPassword: 'a quite different one' },
      });
      expect(refused[0]!.extensions).toMatchObject({
        code: 'UNAUTHENTICATED',
        fields: { currentPassword: expect.any(String) },
      });
      const common = await jane.errorsOf(ChangePasswordDocument, {
        input: { currentPassword: PASSWORD, newPassword: 'Password1' },
      });
      expect(common[0]!.extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        fields: { newPassword: expect.any(String) },
      });
      await jane.request(MeDocument);
    });
  });

  test('what ended or expired more than 30 days ago is cleaned up, and nothing else', async () => {
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

test('of the sessions that have open connections those that have ended are found', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const john = await server.user();
  const connected = () => server.instances.flatMap(({ services }) => services.connections.sessionIds);
  // Sockets that stay: one without an operation is closed at once by its client.
  const early = Promise.withResolvers<never>();
  const stays = {
    next: () => {},
    error: early.reject,
    complete: () => early.reject(new Error('A subscription ended by itself.')),
  };
  // Once the sockets are looked at, they may be closed.
  early.promise.catch(() => {});
  for (const one of [jane, john]) one.subscribe('subscription { conversationUpdates { __typename } }', {}, stays);
  await Promise.race([until(() => connected().length === 2), early.promise]);
  const open = connected();
  // As where another instance has ended it, and nobody here was told.
  await server.em.nativeUpdate(Session, { user: john.id }, { endedAt: new Date() });
  const ended = await server.server.services.sessions.endedOf(server.em, [
    ...open,
    '00000000-0000-7000-8000-000000000000',
  ]);
  const [session] = await server.em.find(Session, { user: john.id });
  expect(ended).toEqual([session!.id, '00000000-0000-7000-8000-000000000000']);
  for (const instance of server.instances) instance.services.connections.closeSessions(ended);
  expect(connected()).toHaveLength(1);
});

test('a socket is closed with 4403 when its token expires, and a real client resumes with a fresh one', async () => {
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
  // Where the machine is slow another token may have expired, but nothing else closes it, and each time it comes back.
  expect(new Set(closes)).toEqual(new Set([4403]));
  expect(connections).toBe(closes.length + 1);
  await client.dispose();
});

test('a login with the old password that is under way when it is changed stays outside', async () => {
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
    if (token) expect(await server.client(token).codeOf(MeDocument)).toBe('UNAUTHENTICATED');
  }
  await server.client(changePassword.accessToken).request(MeDocument);
});
