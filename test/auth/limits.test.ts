import { print } from 'graphql';
import {
  AskQuestionDocument,
  EmailAvailableDocument,
  LoginDocument,
  RegisterDocument,
} from '../../client/src/generated/graphql.js';
import { pino } from 'pino';
import { createAuthLimits } from '../../src/auth/create-auth-limits.js';
import { SecurityEvents } from '../../src/auth/security-events.js';
import type { RateLimitedError } from '../../src/platform/errors/api-error.js';
import { createRateLimiterInMemory } from '../../src/platform/limits/rate-limiter.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

describe('rate limits', () => {
  const servers: TestServer[] = [];
  const start = async (settings: Record<string, string>) => {
    const server = await TestServer.start(settings);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
  });

  const attempt = (email: string) => ({ input: { email, password: 'wrong password' } });

  /** Sends a request as a proxy would, with X-Forwarded-For. */
  async function requestFrom(
    server: TestServer,
    forwardedFor: string,
    query: string,
    variables: object,
  ): Promise<string | null> {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': forwardedFor },
      body: JSON.stringify({ query, variables }),
    });
    const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
    return errors?.[0]?.extensions.code ?? null;
  }

  test('login, register, emailAvailable and refreshTokens share one limit per address and return retryAfter', async () => {
    const server = await start({ RATE_LIMIT_AUTH: '4/1m' });
    await server.user({ email: 'first@example.com' });
    await server.anyone.request(EmailAvailableDocument, { email: 'other@example.com' });
    expect(await server.anyone.getErrorCode(LoginDocument, attempt('a@example.com'))).toBe('UNAUTHENTICATED');
    expect(await server.anyone.getErrorCode(LoginDocument, attempt('b@example.com'))).toBe('UNAUTHENTICATED');
    const rejected = [
      await server.anyone.getErrors(LoginDocument, attempt('c@example.com')),
      await server.anyone.getErrors(RegisterDocument, { input: { email: 'new@example.com', password: PASSWORD } }),
      await server.anyone.getErrors(EmailAvailableDocument, { email: 'new@example.com' }),
      await server.anyone.getErrors('mutation { refreshTokens(input: { refreshToken: "x" }) { accessToken } }'),
    ];
    for (const [error] of rejected) {
      expect(error!.extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) });
      const { retryAfter } = error!.extensions as { retryAfter: number };
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter).toBeLessThanOrEqual(60);
    }
  });

  test('each alias in a request counts', async () => {
    const server = await start({ RATE_LIMIT_AUTH: '11/1m' });
    const fields = Array.from({ length: 10 }, (_, i) => `e${i}: emailAvailable(email: "e${i}@example.com")`);
    await server.anyone.request(`{ ${fields.join(' ')} }`);
    await server.anyone.request(EmailAvailableDocument, { email: 'the-11th@example.com' });
    expect(await server.anyone.getErrorCode(EmailAvailableDocument, { email: 'the-12th@example.com' })).toBe(
      'RATE_LIMITED',
    );
  });

  test('logins also count per email, across addresses', async () => {
    const server = await start({ RATE_LIMIT_AUTH: '3/1m', TRUST_PROXY: '1' });
    const login = (address: string, email: string) =>
      requestFrom(server, address, print(LoginDocument), attempt(email));
    expect(await login('192.0.2.1', 'jane@example.com')).toBe('UNAUTHENTICATED');
    expect(await login('192.0.2.2', 'JANE@example.com')).toBe('UNAUTHENTICATED');
    expect(await login('192.0.2.3', 'jane@Example.com')).toBe('UNAUTHENTICATED');
    expect(await login('192.0.2.4', 'jane@example.com')).toBe('RATE_LIMITED');
    expect(await login('192.0.2.4', 'john@example.com')).toBe('UNAUTHENTICATED');
  });

  test('a stranger cannot lock out an owner who signs in from a known address', async () => {
    const server = await start({ RATE_LIMIT_AUTH: '3/1m', TRUST_PROXY: '1' });
    const input = { email: 'owner@example.com', password: PASSWORD };
    const login = (address: string, password: string) =>
      requestFrom(server, address, print(LoginDocument), { input: { ...input, password } });
    expect(await requestFrom(server, '192.0.2.1', print(RegisterDocument), { input })).toBeNull();
    for (const address of ['192.0.2.2', '192.0.2.3', '192.0.2.4'])
      expect(await login(address, 'wrong password')).toBe('UNAUTHENTICATED');
    expect(await login('192.0.2.5', 'wrong password')).toBe('RATE_LIMITED');
    expect(await login('192.0.2.6', PASSWORD)).toBe('RATE_LIMITED');
    expect(await login('192.0.2.1', PASSWORD)).toBeNull();
  });

  test('failed logins from one address have to wait longer and longer, until one succeeds', async () => {
    const limits = createAuthLimits(
      {
        rateLimits: { auth: { limit: 2, window: 1_000 }, register: null, registerTotal: null, ask: null },
        guests: null,
      },
      new SecurityEvents(pino({ level: 'silent' })),
      createRateLimiterInMemory,
    );
    const attempt = () => limits.countLogin('jane@example.com', '192.0.2.1', { isKnown: true });
    const fail = () =>
      attempt().then(
        () => 0,
        (error: RateLimitedError) => error.extensions.retryAfter!,
      );
    expect([await fail(), await fail(), await fail()]).toEqual([0, 0, 1]);
    await until(async () => (await fail()) === 0);
    await until(async () => (await fail()) > 1);
    await limits.resetLogins('Jane@example.com', '192.0.2.1');
    expect(await fail()).toBe(0);
  });

  test('new accounts are limited per address and in all', async () => {
    const server = await start({
      RATE_LIMIT_REGISTER: '2/1d',
      RATE_LIMIT_REGISTER_TOTAL: '3/1h',
      TRUST_PROXY: '1',
    });
    const register = (address: string, email: string) =>
      requestFrom(server, address, print(RegisterDocument), { input: { email, password: PASSWORD } });
    expect(await register('192.0.2.1', 'a@example.com')).toBeNull();
    expect(await register('192.0.2.1', 'A@example.com')).toBe('EMAIL_TAKEN');
    expect(await register('192.0.2.1', 'b@example.com')).toBeNull();
    expect(await register('192.0.2.1', 'c@example.com')).toBe('RATE_LIMITED');
    expect(await register('192.0.2.2', 'c@example.com')).toBeNull();
    expect(await register('192.0.2.3', 'd@example.com')).toBe('RATE_LIMITED');
  });

  test.each([
    ['no proxy: the header is ignored', '0', ['192.0.2.1', '192.0.2.2'], 'RATE_LIMITED'],
    ['one proxy: the last address is the client', '1', ['9.9.9.9, 192.0.2.1', '8.8.8.8, 192.0.2.1'], 'RATE_LIMITED'],
    ['one proxy: two clients have separate limits', '1', ['192.0.2.1', '192.0.2.2'], null],
    [
      'two proxies: the second to last address is the client',
      '2',
      ['192.0.2.1, 10.0.0.1', '192.0.2.2, 10.0.0.1'],
      null,
    ],
    ['addresses in one IPv6 /64 share a limit', '1', ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9'], 'RATE_LIMITED'],
    ['addresses in different IPv6 /64s have separate limits', '1', ['2001:db8:1:2::1', '2001:db8:1:3::1'], null],
  ])('%s', async (_description, proxies, [first, second], expected) => {
    const server = await start({ RATE_LIMIT_AUTH: '1/1m', TRUST_PROXY: proxies });
    const check = (address: string) =>
      requestFrom(server, address, print(EmailAvailableDocument), { email: 'x@example.com' });
    expect(await check(first!)).toBeNull();
    expect(await check(second!)).toBe(expected);
  });

  test('questions are limited per user; a retry with a known request id does not count', async () => {
    const server = await start({ RATE_LIMIT_ASK: '2/1m' });
    const [jane, john] = [await server.user(), await server.user()];
    await jane.ask('One', { stream: false, requestId: 'r1' });
    await jane.ask('Two', { stream: false });
    expect(await jane.getErrorCode(AskQuestionDocument, { input: { question: 'Three' } })).toBe('RATE_LIMITED');
    expect((await jane.ask('One', { requestId: 'r1' })).question.content).toBe('One');
    await john.ask('One', { stream: false });
  });
});
