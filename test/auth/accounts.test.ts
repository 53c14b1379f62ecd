import jwt from 'jsonwebtoken';
import type * as Argon2 from 'argon2';
import { hash } from 'argon2';
import { jest } from '@jest/globals';
import {
  EmailAvailableDocument,
  LoginDocument,
  MeDocument,
  RegisterDocument,
} from '../../client/src/generated/graphql.js';
import { Passwords } from '../../src/auth/passwords.js';
import { Session } from '../../src/auth/session.entity.js';
import { entities } from '../../src/entities.js';
import { PASSWORD, TestServer } from '../kit/server.js';

const SECRET = 'a test secret with at least 32 characters';

describe('accounts', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start({ JWT_SECRET: SECRET })));
  afterAll(() => server[Symbol.asyncDispose]());

  const em = () => server.server.services.orm.em.fork();

  test('register and login return tokens for the same account', async () => {
    const input = { email: 'Jane.Doe@Example.com', password: PASSWORD, name: 'Jane', phone: '+14155550123' };
    const { register } = await server.anyone.request(RegisterDocument, { input });
    expect(register.user).toMatchObject({ email: input.email, name: 'Jane', phone: '+14155550123', role: 'USER' });
    expect((await server.client(register.accessToken).request(MeDocument)).me).toEqual(register.user);
    expect(register.refreshToken).toMatch(/^[\w-]{43}$/);
    expect(Date.parse(register.accessTokenExpiresAt)).toBeGreaterThan(Date.now());
    expect(Date.parse(register.refreshTokenExpiresAt)).toBeGreaterThan(Date.parse(register.accessTokenExpiresAt));

    const { login } = await server.anyone.request(LoginDocument, {
      input: { email: 'JANE.DOE@example.COM', password: PASSWORD },
    });
    expect(login.user.id).toBe(register.user.id);
    expect(login.accessToken).not.toBe(register.accessToken);
  });

  test('emails are compared case-insensitively', async () => {
    await server.user({ email: 'taken@example.com' });
    const available = async (email: string) =>
      (await server.anyone.request(EmailAvailableDocument, { email })).emailAvailable;
    expect(await available('TAKEN@example.com')).toBe(false);
    expect(await available('free@example.com')).toBe(true);
    const [error] = await server.anyone.getErrors(RegisterDocument, {
      input: { email: 'Taken@Example.com', password: PASSWORD },
    });
    expect(error!.extensions).toMatchObject({ code: 'EMAIL_TAKEN', fields: { email: expect.any(String) } });
  });

  test('both forms of an internationalized domain name are one email', async () => {
    const available = async (email: string) =>
      (await server.anyone.request(EmailAvailableDocument, { email })).emailAvailable;
    const login = async (email: string) =>
      (await server.anyone.request(LoginDocument, { input: { email, password: PASSWORD } })).login.user.email;
    await server.user({ email: 'idn@Bücher.example' });
    for (const email of ['idn@xn--bcher-kva.example', 'IDN@XN--BCHER-KVA.EXAMPLE', 'idn@bu\u0308cher.example']) {
      expect(await available(email)).toBe(false);
      expect(await login(email)).toBe('idn@Bücher.example');
    }
    await server.user({ email: 'idn@xn--r8jz45g.xn--zckzah' });
    expect(await login('idn@例え.テスト')).toBe('idn@xn--r8jz45g.xn--zckzah');
  });

  test('white space around an email is ignored', async () => {
    const { register } = await server.anyone.request(RegisterDocument, {
      input: { email: '  spaces@example.com\n', password: PASSWORD },
    });
    expect(register.user.email).toBe('spaces@example.com');
    for (const email of ['spaces@example.com', '\tspaces@example.com ', '\u00a0spaces@example.com']) {
      expect((await server.anyone.request(EmailAvailableDocument, { email })).emailAvailable).toBe(false);
      const { login } = await server.anyone.request(LoginDocument, { input: { email, password: PASSWORD } });
      expect(login.user.id).toBe(register.user.id);
    }
  });

  test.each([
    ['zero width space', 'ja\u200bne@example.com'],
    ['soft hyphen', 'jane@exa\u00admple.com'],
    ['right-to-left override', 'ja\u202ene@example.com'],
    ['variation selector', 'ja\ufe0fne@example.com'],
    ['Hangul filler', 'ja\u3164ne@example.com'],
    ['combining grapheme joiner', 'ja\u034fne@example.com'],
    ['tag', 'ja\u{e0041}ne@example.com'],
    ['no-break space', '"ja\u00a0ne"@example.com'],
  ])('an email with an invisible character is refused: %s', async (_name, email) => {
    expect(await server.anyone.getErrorCode(RegisterDocument, { input: { email, password: PASSWORD } })).toBe(
      'BAD_USER_INPUT',
    );
    expect(await server.anyone.getErrorCode(EmailAvailableDocument, { email })).toBe('BAD_USER_INPUT');
  });

  test('only one of several concurrent registrations of an email succeeds', async () => {
    const race = Array.from({ length: 6 }, () => server.user({ email: 'race@example.com' }));
    const results = await Promise.allSettled(race);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason.response.errors[0].extensions.code).toBe('EMAIL_TAKEN');
    }
  });

  test('login returns the same error after the same work for an unknown email and a wrong password', async () => {
    await server.user({ email: 'known@example.com' });
    const verify = jest.spyOn(Passwords.prototype, 'verify');
    const attempts = [
      { email: 'known@example.com', password: 'wrong password' },
      { email: 'unknown@example.com', password: 'wrong password' },
      { email: 'no email', password: 'wrong password' },
    ];
    const errors = await Promise.all(attempts.map((input) => server.anyone.getErrors(LoginDocument, { input })));
    expect(errors[1]).toEqual(errors[0]);
    expect(errors[2]).toEqual(errors[0]);
    expect(errors[0]![0]!.extensions['code']).toBe('UNAUTHENTICATED');
    expect(verify).toHaveBeenCalledTimes(3);
    verify.mockRestore();
  });

  test('verifying without a hash verifies an argon2id hash with the same parameters', async () => {
    const verified: string[] = [];
    const argon2 = jest.requireActual<typeof Argon2>('argon2');
    jest.resetModules();
    jest.unstable_mockModule('argon2', () => ({
      ...argon2,
      verify: (digest: string, password: string) => {
        verified.push(digest);
        return argon2.verify(digest, password);
      },
    }));
    const { Passwords: ObservedPasswords } = await import('../../src/auth/passwords.js');
    jest.unstable_unmockModule('argon2');
    const passwords = new ObservedPasswords();
    const stored = await passwords.hash(PASSWORD);
    expect(await passwords.verify(stored, PASSWORD)).toBe(true);
    expect(await passwords.verify(stored, 'wrong')).toBe(false);
    expect(await passwords.verify(null, 'decoy password')).toBe(false);
    const parameters = verified.map((digest) => digest.split('$').slice(1, 4).join('$'));
    expect(parameters).toEqual(Array(3).fill('argon2id$v=19$m=19456,p=1,t=2'));
  });

  test('fails with UNAVAILABLE when too many passwords are queued', async () => {
    const passwords = new Passwords();
    const attempts = Array.from({ length: 250 }, async () => passwords.verify(null, 'x'));
    const results = await Promise.allSettled(attempts);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.reason.extensions.code).toBe('UNAVAILABLE');
  });

  test('a request is UNAUTHENTICATED as soon as its session has ended or expired', async () => {
    const jane = await server.user();
    expect((await jane.request(MeDocument)).me.id).toBe(jane.id);
    await em().nativeUpdate(Session, { user: jane.id }, { endedAt: new Date() });
    expect(await jane.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');

    const john = await server.user();
    await em().nativeUpdate(Session, { user: john.id }, { expiresAt: new Date() });
    expect(await john.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
  });

  test('stores neither passwords nor tokens', async () => {
    const input = { email: 'stored@example.com', password: 'a password to look for' };
    const { register } = await server.anyone.request(RegisterDocument, { input });
    const tables = entities.map((entity) => em().getMetadata().get<object>(entity).tableName);
    const dump = JSON.stringify(await Promise.all(tables.map((table) => em().execute(`select * from ${table}`))));
    expect(dump).toContain('stored@example.com');
    expect(dump).not.toContain(input.password);
    expect(dump).not.toContain(register.refreshToken);
    expect(dump).not.toContain(register.accessToken);
    expect(server.logged.join('')).not.toContain(input.password);
  });

  describe('access tokens', () => {
    const forge = async (make: (claims: Record<string, unknown>) => string) => {
      const jane = await server.user();
      const { iat, exp, iss, sub, sid } = jwt.decode(jane.accessToken!) as jwt.JwtPayload;
      return server.client(make({ iat, exp, iss, sub, sid }));
    };

    test('accepts a token signed with the same claims and secret', async () => {
      const client = await forge((claims) => jwt.sign(claims, SECRET, { algorithm: 'HS256' }));
      await client.request(MeDocument);
    });

    test.each<[string, (claims: Record<string, unknown>) => string]>([
      ['no signature', (claims) => jwt.sign(claims, '', { algorithm: 'none' })],
      ['another algorithm', (claims) => jwt.sign(claims, SECRET, { algorithm: 'HS512' })],
      ['another secret', (claims) => jwt.sign(claims, `${SECRET}!`)],
      ['another issuer', (claims) => jwt.sign({ ...claims, iss: 'other' }, SECRET)],
      ['no session', ({ sid: _sid, ...claims }) => jwt.sign(claims, SECRET)],
      ['another session', (claims) => jwt.sign({ ...claims, sid: '01a2003b-9558-75fa-bdad-5c65b0515864' }, SECRET)],
      ['another user', (claims) => jwt.sign({ ...claims, sub: '01a2003b-9558-75fa-bdad-5c65b0515864' }, SECRET)],
      ['a past expiry', (claims) => jwt.sign({ ...claims, exp: 1 }, SECRET)],
      [
        'a changed payload',
        (claims) =>
          jwt
            .sign(claims, SECRET)
            .replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...claims, admin: true })).toString('base64url')}.`),
      ],
      ['malformed text', () => 'nonsense'],
    ])('rejects a token with %s over HTTP and WebSocket', async (_description, make) => {
      const client = await forge(make);
      expect(await client.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
      await expect(client.requestOverSocket('{ me { id } }')).rejects.toMatchObject({ code: 4403 });
    });

    test('ignores an invalid token for operations that require none', async () => {
      const client = server.client('expired');
      expect((await client.request(EmailAvailableDocument, { email: 'new@example.com' })).emailAvailable).toBe(true);
    });
  });

  test.each([
    ['email', { email: 'no email' }],
    ['email', { email: 'a@b' }],
    ['email', { email: 'a\0@example.com' }],
    ['email', { email: '' }],
    ['password', { password: 'short' }],
    ['password', { password: 'x'.repeat(129) }],
    ['password', { password: 'with a \0 in it' }],
    ['password', { password: 'half a \ud83c pair' }],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(121) }],
    ['name', { name: 'a\ud83cb' }],
    ['phone', { phone: '0123' }],
    ['phone', { phone: '+1 415 555 0123' }],
  ])('rejects an invalid %s and names the field: %j', async (field, wrong) => {
    const input = { email: 'valid@example.com', password: PASSWORD, ...wrong };
    const [error] = await server.anyone.getErrors(RegisterDocument, { input });
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
    expect(Object.keys(error!.extensions['fields'] as object)).toEqual([field]);
    expect((await server.anyone.request(EmailAvailableDocument, { email: 'valid@example.com' })).emailAvailable).toBe(
      true,
    );
  });
});

test('verifies argon2 hashes with other parameters', async () => {
  const passwords = new Passwords();
  expect(
    await passwords.verify(await hash('other parameters', { memoryCost: 4096, timeCost: 3 }), 'other parameters'),
  ).toBe(true);
});
