import { pino } from 'pino';
import {
  ChangePasswordDocument,
  DeleteAccountDocument,
  LoginDocument,
  LogoutAllDocument,
  LogoutDocument,
  MySecurityEventsDocument,
} from '../../client/src/generated/graphql.js';
import { print } from 'graphql';
import { SecurityEventEntry, SecurityEventType } from '../../src/auth/security-event.entity.js';
import { SecurityEvents } from '../../src/auth/security-events.js';
import { findLines } from '../kit/log-lines.js';
import { PASSWORD, TestServer } from '../kit/server.js';

describe('security events', () => {
  let server: TestServer;
  afterEach(() => server[Symbol.asyncDispose]());

  const login = (email: string, password: string) => ({ input: { email, password } });

  test('the life of an account is logged, without emails, passwords and tokens', async () => {
    server = await TestServer.start();
    const jane = await server.user();
    const next = 'another long password';
    await server.anyone.getErrors(LoginDocument, login(jane.email, 'wrong password'));
    await server.anyone.getErrors(LoginDocument, login('unknown@example.com', PASSWORD));
    const second = (await server.anyone.request(LoginDocument, login(jane.email, PASSWORD))).login;
    await jane.getErrors(ChangePasswordDocument, { input: { currentPassword: 'wrong password', newPassword: next } });
    const change = { currentPassword: PASSWORD, newPassword: next };
    const { changePassword } = await jane.request(ChangePasswordDocument, { input: change });
    await server.client(changePassword.accessToken).request(LogoutAllDocument);
    const again = (await server.anyone.request(LoginDocument, login(jane.email, next))).login;
    await server.client(again.accessToken).request(DeleteAccountDocument, { input: { password: next } });

    const lines = findLines(server, { event: 'security' });
    const requestId = expect.any(String);
    const address = '127.0.0.1';
    const sessionId = expect.any(String);
    const known = { userId: jane.id, requestId };
    expect(lines).toMatchObject([
      { level: 30, type: 'registered', ...known, sessionId, address },
      { level: 40, type: 'sign_in_failed', ...known, reason: 'wrong_password', address },
      { level: 40, type: 'sign_in_failed', userId: null, requestId, reason: 'unknown_email', address },
      { level: 30, type: 'signed_in', ...known, sessionId, address },
      { level: 40, type: 'password_confirmation_failed', ...known },
      { level: 30, type: 'password_changed', ...known },
      { level: 30, type: 'session_ended', ...known, sessionId: lines[3]!['sessionId'], reason: 'PASSWORD_CHANGED' },
      { level: 30, type: 'session_ended', ...known, sessionId: lines[0]!['sessionId'], reason: 'LOGOUT_ALL' },
      { level: 30, type: 'sessions_ended', ...known, count: 1 },
      { level: 30, type: 'signed_in', ...known, sessionId, address },
      { level: 30, type: 'account_deleted', ...known },
    ]);
    const log = server.logged.join('');
    for (const secret of [jane.email, 'unknown@', PASSWORD, next, second.refreshToken, second.accessToken])
      expect(log).not.toContain(secret);
  });

  test('a user reads the events of the account, newest first, with a shortened address', async () => {
    server = await TestServer.start({ TRUST_PROXY: '1' });
    const jane = await server.user();
    const john = await server.user();
    await post('203.0.113.77', login(jane.email, 'wrong password'));
    await post('2001:db8:1:2:3::4', login(jane.email, PASSWORD));
    const { refreshToken } = (await server.anyone.request(LoginDocument, login(jane.email, PASSWORD))).login;
    await server.anyone.request(LogoutDocument, { input: { refreshToken } });
    const change = { currentPassword: PASSWORD, newPassword: 'another long password' };
    const { changePassword } = await jane.request(ChangePasswordDocument, { input: change });
    const again = server.client(changePassword.accessToken);

    const { nodes } = (await again.request(MySecurityEventsDocument)).mySecurityEvents;
    expect(nodes.map(({ type, address }) => [type, address])).toEqual([
      ['PASSWORD_CHANGED', '127.0.0.0/24'],
      ['SIGNED_OUT', '127.0.0.0/24'],
      ['SIGNED_IN', '127.0.0.0/24'],
      ['SIGNED_IN', '2001:db8:1::/48'],
      ['SIGN_IN_FAILED', '203.0.113.0/24'],
      ['REGISTERED', '127.0.0.0/24'],
    ]);
    expect(nodes[4]!.userAgent).toBe('Telephone/1.0');
    const first = (await again.request(MySecurityEventsDocument, { first: 2 })).mySecurityEvents;
    const rest = { first: 9, after: first.pageInfo.endCursor };
    expect((await again.request(MySecurityEventsDocument, rest)).mySecurityEvents.nodes).toEqual(nodes.slice(2));
    expect((await john.request(MySecurityEventsDocument)).mySecurityEvents.nodes).toMatchObject([
      { type: 'REGISTERED' },
    ]);
  });

  test('a user sees failures, but an attacker cannot fill the table', async () => {
    server = await TestServer.start();
    const jane = await server.user();
    for (let i = 0; i < 25; i += 1) await server.anyone.getErrors(LoginDocument, login(jane.email, 'wrong password'));
    expect(await server.count(`security_events where type = 'SIGN_IN_FAILED'`)).toBe(20);
  });

  test('events are deleted after 90 days', async () => {
    server = await TestServer.start();
    const jane = await server.user();
    await jane.request(LogoutAllDocument);
    const at = new Date(Date.now() - 91 * 86_400_000);
    await server.em.nativeUpdate(SecurityEventEntry, { type: SecurityEventType.REGISTERED }, { at });
    await new SecurityEvents(pino({ level: 'silent' })).cleanUp(server.em);
    const left = await server.em.find(SecurityEventEntry, {});
    expect(left.map(({ type }) => type)).toEqual(['SESSIONS_ENDED']);
  });

  /** Sends a login as a proxy would. */
  async function post(address: string, variables: object): Promise<void> {
    await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': address,
        'user-agent': 'Telephone/1.0',
      },
      body: JSON.stringify({ query: print(LoginDocument), variables }),
    });
  }

  test('a limit is logged once for each window in which it is reached', async () => {
    server = await TestServer.start({ RATE_LIMIT_AUTH: '2/1m', RATE_LIMIT_ASK: '1/1m' });
    const jane = await server.user();
    for (let i = 0; i < 4; i += 1) await server.anyone.getErrors(LoginDocument, login(jane.email, 'wrong password'));
    await jane.ask('Once');
    for (let i = 0; i < 3; i += 1)
      await jane.getErrors('mutation { askQuestion(input: { question: "?" }) { answer { id } } }');
    expect(findLines(server, { event: 'security', type: 'limit_reached' })).toMatchObject([
      { level: 40, limit: 'RATE_LIMIT_AUTH', by: 'address', userId: null, address: '127.0.0.1' },
      { level: 40, limit: 'RATE_LIMIT_ASK', by: 'user', userId: jane.id },
    ]);
  });
});
