import { LogoutAllDocument, MeDocument, UpdateProfileDocument } from '../../client/src/generated/graphql.js';
import { ParleyError } from '../../client/src/parley-error.js';
import type { Fetch } from '../../client/src/session/post.js';
import { MemoryStorage } from '../../client/src/session/stored-tokens.js';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { ErrorCode } from '../../src/platform/errors/error-code.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { Tab } from './browser-tab.js';

const createEmail = () => `${crypto.randomUUID()}@example.com`;

/** A fetch that a test can take offline. It counts the refreshes. */
function createNetwork() {
  const network = { isOffline: false, refreshes: 0 };
  const networkFetch: Fetch = async (url, init) => {
    if (network.isOffline) throw new TypeError('fetch failed');
    if (init.body.includes('refreshTokens(')) network.refreshes += 1;
    return fetch(url, init);
  };
  return { network, fetch: networkFetch };
}

describe('a session', () => {
  test('signs in, keeps the account over a reload, and signs out', async () => {
    await using server = await TestServer.start();
    const storage = new MemoryStorage();
    const email = createEmail();
    {
      using tab = new Tab(server.url, storage);
      await tab.session.register({ email, password: PASSWORD });
    }
    using tab = new Tab(server.url, storage);
    expect(tab.session.getSnapshot()).toMatchObject({ user: { email } });
    expect((await tab.session.request(MeDocument)).me.email).toBe(email);
    const token = await tab.session.token();
    await tab.session.signOut();
    expect(tab.session.user).toBeNull();
    expect(await tab.session.token()).toBeNull();
    expect(await server.client(token).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    await tab.session.signIn({ email, password: PASSWORD });
    expect(tab.session.user).toMatchObject({ email });
  });

  test('tabs that renew an expired token at once refresh it once', async () => {
    await using server = await TestServer.start({ JWT_EXPIRES_IN: '2s', REFRESH_REUSE_GRACE: '0s' });
    const storage = new MemoryStorage();
    const { network, fetch } = createNetwork();
    using first = new Tab(server.url, storage, { fetch });
    await first.session.register({ email: createEmail(), password: PASSWORD });
    using second = new Tab(server.url, storage, { fetch });
    using third = new Tab(server.url, storage, { fetch });
    const tabs = [first, second, third];
    const old = await first.session.token();
    const { expiresAt } = JSON.parse(storage.getItem(first.session.key)!) as { expiresAt: number };
    await until(() => Date.now() > expiresAt);
    const tokens = await Promise.all([...tabs, ...tabs].map(({ session }) => session.token()));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).not.toBe(old);
    expect(network.refreshes).toBe(1);
    for (const { session } of tabs) expect((await session.request(MeDocument)).me.id).toBe(first.session.user!.id);
  });

  test('keeps its tokens while the server cannot be reached', async () => {
    await using server = await TestServer.start({ JWT_EXPIRES_IN: '1s' });
    const { network, fetch } = createNetwork();
    using tab = new Tab(server.url, undefined, { fetch });
    await tab.session.register({ email: createEmail(), password: PASSWORD });
    network.isOffline = true;
    await until(() =>
      tab.session.token().then(
        () => false,
        () => true,
      ),
    );
    await expect(tab.session.token()).rejects.toMatchObject({ code: 'NETWORK_ERROR', isRetryable: true });
    expect(tab.session.user).not.toBeNull();
    network.isOffline = false;
    expect((await tab.session.request(MeDocument)).me.id).toBe(tab.session.user!.id);
  });

  test('ends when the server refuses the refresh token', async () => {
    await using server = await TestServer.start();
    const email = createEmail();
    using tab = new Tab(server.url);
    using other = new Tab(server.url);
    await tab.session.register({ email, password: PASSWORD });
    await other.session.signIn({ email, password: PASSWORD });
    await other.session.request(LogoutAllDocument);
    await expect(tab.session.request(MeDocument)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(tab.session.user).toBeNull();
  });

  test('a guest takes the conversations along, in all tabs, and a guest that is gone prevents nothing', async () => {
    await using server = await TestServer.start({ GUESTS: 'on' });
    const storage = new MemoryStorage();
    using tab = new Tab(server.url, storage);
    const guest = await tab.session.startGuest();
    expect(guest).toMatchObject({ role: 'GUEST', email: null });
    const conversation = tab.chat.conversation(null);
    await conversation.ask('Who am I?');
    const email = createEmail();
    const wrong = { email, password: 'not the password' };
    await expect(tab.session.signIn(wrong)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(tab.session.user).toEqual(guest);
    conversation.setDraft('And where?');
    const account = await tab.session.register({ email, password: PASSWORD });
    expect(account).toMatchObject({ role: 'USER', email });
    expect(tab.session.hasClaimed(guest.id)).toBe(true);
    // The store goes on: nothing that is shown disappears.
    expect(conversation.getSnapshot()).toMatchObject({ status: 'READY', draft: 'And where?' });
    await conversation.ask();
    expect(conversation.getSnapshot().messages.filter(({ role }) => role === 'USER')).toHaveLength(2);

    using other = new Tab(server.url);
    await other.session.startGuest();
    await server.em.nativeDelete(User, { role: Role.GUEST });
    expect((await other.session.signIn({ email, password: PASSWORD })).id).toBe(account.id);
    expect(other.session.hasClaimed(guest.id)).toBe(false);
    await server.settled();
  });

  test('a wrong password does not end it', async () => {
    await using server = await TestServer.start();
    using tab = new Tab(server.url);
    await tab.session.register({ email: createEmail(), password: PASSWORD });
    const remove = 'mutation { deleteAccount(input: { password: "not the password" }) }';
    const { parse } = await import('graphql');
    await expect(tab.session.request(parse(remove))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      fields: { password: expect.any(String) },
    });
    expect(tab.session.user).not.toBeNull();
  });
});

describe('ParleyError', () => {
  test('knows all codes of the server', () => {
    for (const code of Object.values(ErrorCode))
      expect(ParleyError.from({ errors: [{ message: 'x', extensions: { code } }] }).code).toBe(code);
  });

  test('keeps what the server says about an error', () => {
    const extensions = {
      code: 'TOO_MANY_ANSWERS',
      fields: { question: 'Too long.' },
      retryAfter: 7,
      answerId: 'an answer',
      reason: 'BATCHING',
      requestId: 'a request',
    };
    const message = 'Wait.';
    for (const thrown of [{ errors: [{ message, extensions }] }, { graphQLErrors: [{ message, extensions }] }])
      expect(ParleyError.from(thrown)).toMatchObject({ ...extensions, message });
    const without = { fields: {}, retryAfter: null, answerId: null, reason: null, requestId: null };
    const bare = { errors: [{ message, extensions: { code: 'FORBIDDEN', retryAfter: 'soon', fields: 'none' } }] };
    expect(ParleyError.from(bare)).toMatchObject({ code: 'FORBIDDEN', ...without });
  });

  test('has the fields of an error', async () => {
    await using server = await TestServer.start();
    using tab = new Tab(server.url);
    await tab.session.register({ email: createEmail(), password: PASSWORD });
    const error: unknown = await tab.session
      .request(UpdateProfileDocument, { input: { phone: 'x' } })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ParleyError);
    expect(error).toMatchObject({ code: 'BAD_USER_INPUT', fields: { phone: expect.any(String) }, isRetryable: false });
  });

  test.each([
    ['Apollo Client', { errors: [{ message: 'm', extensions: { code: 'NOT_FOUND' } }] }, 'NOT_FOUND'],
    ['urql', { graphQLErrors: [{ message: 'm', extensions: { code: 'EMAIL_TAKEN' } }] }, 'EMAIL_TAKEN'],
    ['urql without a network', { graphQLErrors: [], networkError: new TypeError('fetch failed') }, 'NETWORK_ERROR'],
    ['graphql-ws', [{ message: 'm', extensions: { code: 'UNAUTHENTICATED' } }], 'UNAUTHENTICATED'],
    ['a closed WebSocket', { code: 4403, reason: 'Forbidden' }, 'UNAUTHENTICATED'],
    ['a lost WebSocket', { code: 1006, reason: '' }, 'NETWORK_ERROR'],
    [
      'graphql-request',
      { response: { status: 200, errors: [{ message: 'm', extensions: { code: 'FORBIDDEN' } }] } },
      'FORBIDDEN',
    ],
    ['a proxy', { response: { status: 503 } }, 'UNAVAILABLE'],
    [
      'Apollo’s ServerError',
      { statusCode: 400, bodyText: '{"errors":[{"message":"m","extensions":{"code":"QUERY_TOO_COMPLEX"}}]}' },
      'QUERY_TOO_COMPLEX',
    ],
    ['fetch', new TypeError('fetch failed'), 'NETWORK_ERROR'],
    ['an aborted fetch', new DOMException('aborted', 'AbortError'), 'ABORTED'],
  ])('converts what %s throws', (_library, thrown, code) => {
    expect(ParleyError.from(thrown)).toMatchObject({ code });
    expect(ParleyError.from(ParleyError.from(thrown))).toMatchObject({ code });
  });
});
