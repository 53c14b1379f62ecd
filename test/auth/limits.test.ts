import { print } from 'graphql';
import {
  AskQuestionDocument,
  EmailAvailableDocument,
  LoginDocument,
  RegisterDocument,
} from '../../src/client/generated/graphql.js';
import { PASSWORD, TestServer } from '../kit/server.js';

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

  /** A request from behind a proxy. */
  async function from(
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

  test('all ways in share one limit per address, which tells when to come back', async () => {
    const server = await start({ RATE_LIMIT_AUTH: '4/1m' });
    await server.user({ email: 'first@example.com' });
    await server.anyone.request(EmailAvailableDocument, { email: 'other@example.com' });
    expect(await server.anyone.codeOf(LoginDocument, attempt('a@example.com'))).toBe('UNAUTHENTICATED');
    expect(await server.anyone.codeOf(LoginDocument, attempt('b@example.com'))).toBe('UNAUTHENTICATED');
    const refused = [
      await server.anyone.errorsOf(LoginDocument, attempt('c@example.com')),
      await server.anyone.errorsOf(RegisterDocument, { input: { email: 'new@example.com', password: PASSWORD } }),
      await server.anyone.errorsOf(EmailAvailableDocument, { email: 'new@example.com' }),
      await server.anyone.errorsOf('mutation { refreshTokens(input: { refreshToken: "x" }) { accessToken } }'),
    ];
    for (const [error] of refused) {
      expect(error!.extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) });
      const { retryAfter } = error!.extensions as { retryAfter: number };
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter).toBeLessThanOrEqual(60);
    }
  });

  test('aliases in one request are counted one by one', async () => {
    const server = await start({ RATE_LIMIT_AUTH: '11/1m' });
    const fields = Array.from({ length: 10 }, (_, i) => `e${i}: emailAvailable(email: "e${i}@example.com")`);
    await server.anyone.request(`{ ${fields.join(' ')} }`);
    await server.anyone.request(EmailAvailableDocument, { email: 'the-11th@example.com' });
    expect(await server.anyone.codeOf(EmailAvailableDocument, { email: 'the-12th@example.com' })).toBe('RATE_LIMITED');
  });

  test('logins are counted per email as well, from whatever address', async () => {
    const server = await start({ RATE_LIMIT_AUTH: '3/1m', TRUST_PROXY: '1' });
    const login = (address: string, email: string) => from(server, address, print(LoginDocument), attempt(email));
    expect(await login('192.0.2.1', 'jane@example.com')).toBe('UNAUTHENTICATED');
    expect(await login('192.0.2.2', 'JANE@example.com')).toBe('UNAUTHENTICATED');
    expect(await login('192.0.2.3', 'jane@Example.com')).toBe('UNAUTHENTICATED');
    expect(await login('192.0.2.4', 'jane@example.com')).toBe('RATE_LIMITED');
    expect(await login('192.0.2.4', 'john@example.com')).toBe('UNAUTHENTICATED');
  });

  test.each([
    ['nobody in front: the header is not believed', '0', ['192.0.2.1', '192.0.2.2'], 'RATE_LIMITED'],
    ['one proxy: the last address is whom it saw', '1', ['9.9.9.9, 192.0.2.1', '8.8.8.8, 192.0.2.1'], 'RATE_LIMITED'],
    ['one proxy: two clients', '1', ['192.0.2.1', '192.0.2.2'], null],
    ['two proxies', '2', ['192.0.2.1, 10.0.0.1', '192.0.2.2, 10.0.0.1'], null],
    ['one customer has all of an IPv6 /64', '1', ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9'], 'RATE_LIMITED'],
    ['the next customer has the next /64', '1', ['2001:db8:1:2::1', '2001:db8:1:3::1'], null],
  ])('%s', async (_what, proxies, [first, second], expected) => {
    const server = await start({ RATE_LIMIT_AUTH: '1/1m', TRUST_PROXY: proxies });
    const check = (address: string) => from(server, address, print(EmailAvailableDocument), { email: 'x@example.com' });
    expect(await check(first!)).toBeNull();
    expect(await check(second!)).toBe(expected);
  });

  test('questions are limited per user; a retry with a known request id is not counted', async () => {
    const server = await start({ RATE_LIMIT_ASK: '2/1m' });
    const [jane, john] = [await server.user(), await server.user()];
    await jane.ask('One', { stream: false, requestId: 'r1' });
    await jane.ask('Two', { stream: false });
    expect(await jane.codeOf(AskQuestionDocument, { input: { question: 'Three' } })).toBe('RATE_LIMITED');
    expect((await jane.ask('One', { requestId: 'r1' })).question.content).toBe('One');
    await john.ask('One', { stream: false });
  });
});
