import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHmac, randomUUID } from 'node:crypto';
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';
import { Identity } from '../../src/auth/identity.entity.js';
import { User } from '../../src/auth/user.entity.js';
import { jest } from '@jest/globals';
import {
  ChangePasswordDocument,
  ConversationsDocument,
  DeleteAccountDocument,
  ExchangeIdentityTokenDocument,
  LoginDocument,
  MeDocument,
  MySecurityEventsDocument,
  RefreshTokensDocument,
  RegisterDocument,
  RequestEmailVerificationDocument,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  StartGuestSessionDocument,
  VerifyEmailDocument,
} from '../../client/src/generated/graphql.js';
import { IdentityProvider, type Person } from '../kit/identity-provider.js';
import { MailServer } from '../kit/mail-server.js';
import { PASSWORD, TestServer } from '../kit/server.js';

const exchange = async (server: TestServer, token: string, claim?: string) =>
  (await server.anyone.request(ExchangeIdentityTokenDocument, { input: { token, claim } })).exchangeIdentityToken;

const exchangeCode = (server: TestServer, token: string, claim?: string) =>
  server.anyone.getErrorCode(ExchangeIdentityTokenDocument, { input: { token, claim } });

const newPerson = (more: Partial<Person> = {}): Person => ({ sub: randomUUID(), ...more });

// The provider says that its data is kept in memory only.
beforeAll(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => {});
  jest.spyOn(console, 'info').mockImplementation(() => {});
});

describe('the tokens of an OpenID provider', () => {
  test.each(['RS256', 'ES256', 'EdDSA'])(
    'signed with %s start a session, and rotated keys are found',
    async (algorithm) => {
      await using provider = await IdentityProvider.start(algorithm);
      await using server = await TestServer.start(provider.settings);
      const person = newPerson({ email: 'Jane@example.com', email_verified: true, name: 'Jane' });
      const first = await exchange(server, await provider.signIn(person));
      expect(first.user).toMatchObject({ email: 'Jane@example.com', emailVerified: true, name: 'Jane', role: 'USER' });
      await server.client(first.accessToken).ask('Hello', { stream: false });
      const old = await provider.signIn(person);
      await provider.rotate(algorithm);
      const again = await exchange(server, await provider.signIn(person));
      expect(again.user.id).toBe(first.user.id);
      // Each instance that has fetched the new keys no longer accepts a token of the former ones.
      for (const { url } of server.instances) {
        const client = server.client(null, url);
        const input = { token: await provider.signIn(person) };
        await client.request(ExchangeIdentityTokenDocument, { input });
        expect(await client.getErrorCode(ExchangeIdentityTokenDocument, { input: { token: old } })).toBe(
          'UNAUTHENTICATED',
        );
      }
      // The session is one like any other.
      const input = { refreshToken: again.refreshToken };
      await server.anyone.request(RefreshTokensDocument, { input });
    },
  );

  test('a provider that is away stops neither those who are signed in nor the use of known keys', async () => {
    await using provider = await IdentityProvider.start();
    await using server = await TestServer.start(provider.settings);
    const person = newPerson();
    const tokens = await Promise.all([provider.signIn(person), provider.signIn(newPerson())]);
    const sessions = [];
    for (const { url } of server.instances) {
      const input = { token: tokens[0] };
      const client = server.client(null, url);
      sessions.push((await client.request(ExchangeIdentityTokenDocument, { input })).exchangeIdentityToken);
    }
    provider.goAway();
    expect((await server.client(sessions[0]!.accessToken).request(MeDocument)).me.email).toBeNull();
    await server.anyone.request(RefreshTokensDocument, { input: { refreshToken: sessions[0]!.refreshToken } });
    await exchange(server, tokens[1]);
  });

  test('while the keys cannot be fetched, an exchange is UNAVAILABLE', async () => {
    await using provider = await IdentityProvider.start();
    const token = await provider.signIn(newPerson());
    await using server = await TestServer.start(provider.settings);
    provider.goAway();
    expect(await exchangeCode(server, token)).toBe('UNAVAILABLE');
  });

  test('the first exchanges of a user at the same time create one account', async () => {
    await using provider = await IdentityProvider.start();
    await using server = await TestServer.start(provider.settings);
    const token = await provider.signIn(newPerson({ email: 'racer@example.com', email_verified: true }));
    const payloads = await Promise.all(Array.from({ length: 20 }, () => exchange(server, token)));
    expect(new Set(payloads.map(({ user }) => user.id)).size).toBe(1);
    expect(await server.count('users')).toBe(1);
  });

  test('the keys are fetched through HTTP_PROXY', async () => {
    await using provider = await IdentityProvider.start();
    const asked: string[] = [];
    const proxy = createServer(({ url }, response) => {
      asked.push(url!);
      void fetch(`${provider.issuer}/jwks`).then(async (keys) => response.end(await keys.text()));
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    try {
      const IDENTITY_JWKS_URL = 'http://login.invalid/keys';
      const HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      // The demo model answers, without a proxy.
      const settings = { ...provider.settings, IDENTITY_JWKS_URL, HTTP_PROXY, OPENAI_BASE_URL: '' };
      await using server = await TestServer.start(settings);
      await exchange(server, await provider.signIn(newPerson()));
      expect(new Set(asked)).toEqual(new Set([IDENTITY_JWKS_URL]));
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  test('without an identity provider, the exchange is FORBIDDEN', async () => {
    await using server = await TestServer.start();
    expect(await exchangeCode(server, 'x.y.z')).toBe('FORBIDDEN');
  });
});

describe('accounts of identities', () => {
  let provider: IdentityProvider;
  let mails: MailServer;
  let server: TestServer;
  beforeAll(async () => {
    provider = await IdentityProvider.start();
    mails = await MailServer.start();
    server = await TestServer.start({
      ...provider.settings,
      ...mails.settings,
      IDENTITY_LINK: 'verified',
      GUESTS: 'on',
      GUEST_SESSIONS_PER_ADDRESS: 'off',
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await mails[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });

  const signIn = async (person: Person, claim?: string) => exchange(server, await provider.signIn(person), claim);

  test('an email that both sides have verified links the identity to the account', async () => {
    const jane = await server.user();
    await server.em.nativeUpdate(User, { id: jane.id }, { emailVerifiedAt: new Date() });
    const person = newPerson({ email: jane.email.toUpperCase(), email_verified: true });
    expect((await signIn(person)).user.id).toBe(jane.id);
    // Known by its subject from now on.
    expect((await signIn({ sub: person.sub })).user.id).toBe(jane.id);
    const { nodes } = (await jane.request(MySecurityEventsDocument, { first: 20 })).mySecurityEvents;
    expect(nodes.filter(({ type }) => type === 'IDENTITY_LINKED')).toHaveLength(1);
    await server.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });
  });

  test.each([
    ['the provider has not verified it', false, true],
    ['the account has not verified it', true, false],
  ])('an email is not linked if %s', async (_why, byProvider, byAccount) => {
    const jane = await server.user();
    if (byAccount) await server.em.nativeUpdate(User, { id: jane.id }, { emailVerifiedAt: new Date() });
    const { user } = await signIn(newPerson({ email: jane.email, email_verified: byProvider }));
    expect(user.id).not.toBe(jane.id);
    expect(user).toMatchObject({ email: null, emailVerified: false });
  });

  test('a user without a password sets one by a reset when the email is verified, not before', async () => {
    const email = `unverified-${randomUUID()}@example.com`;
    const { accessToken, user } = await signIn(newPerson({ email, email_verified: false }));
    expect(user).toMatchObject({ email, emailVerified: false });
    const client = server.client(accessToken);
    expect(await client.getErrorCode(ChangePasswordDocument, { input: { newPassword: PASSWORD } })).toBe('FORBIDDEN');
    const login = { input: { email, password: PASSWORD } };
    expect(await server.anyone.getErrorCode(LoginDocument, login)).toBe('UNAUTHENTICATED');
    await server.anyone.request(RequestPasswordResetDocument, { email });
    await client.request(RequestEmailVerificationDocument);
    // The reset was requested first, but only the verification is sent.
    const verification = await mails.next();
    expect(verification.source).toContain('/verify-email#token=');
    await server.anyone.request(VerifyEmailDocument, { input: { token: verification.token } });
    await server.anyone.request(RequestPasswordResetDocument, { email });
    const { token } = await mails.next();
    await server.anyone.request(ResetPasswordDocument, { input: { token, newPassword: PASSWORD } });
    expect((await server.anyone.request(LoginDocument, login)).login.user.id).toBe(user.id);
    await mails.next();
  });

  test('a user without a password deletes the account without one, and is new the next time', async () => {
    const person = newPerson();
    const { accessToken, user } = await signIn(person);
    await server.client(accessToken).request(DeleteAccountDocument, { input: {} });
    expect(await server.em.count(Identity, { subject: person.sub })).toBe(0);
    expect((await signIn(person)).user.id).not.toBe(user.id);
  });

  test('a disabled account is FORBIDDEN', async () => {
    const person = newPerson();
    const { user } = await signIn(person);
    await server.em.nativeUpdate(User, { id: user.id }, { disabledAt: new Date() });
    expect(await exchangeCode(server, await provider.signIn(person))).toBe('FORBIDDEN');
  });

  test('a claim moves the conversations of a guest, once, and a retry signs in', async () => {
    const { startGuestSession } = await server.anyone.request(StartGuestSessionDocument);
    const guest = server.client(startGuestSession.accessToken);
    const { conversation } = await guest.ask('Before I signed in', { stream: false });
    const token = await provider.signIn(newPerson());
    const first = await exchange(server, token, startGuestSession.refreshToken);
    const client = server.client(first.accessToken);
    const { edges } = (await client.request(ConversationsDocument, {})).conversations;
    expect(edges.map(({ node }) => node.id)).toEqual([conversation.id]);
    expect((await exchange(server, token, startGuestSession.refreshToken)).user.id).toBe(first.user.id);
    const other = newPerson();
    expect(await exchangeCode(server, await provider.signIn(other), startGuestSession.refreshToken)).toBe(
      'UNAUTHENTICATED',
    );
    // A rejected claim creates no account.
    expect(await server.em.count(Identity, { subject: other.sub })).toBe(0);
  });

  test('a name is cleaned as one that a user chooses, and an invalid email is ignored', async () => {
    const name = `Ja\u202Ene\u0000\r\n ${'x'.repeat(200)}`;
    const { user } = await signIn(
      newPerson({ name, email: 'a@example.com\r\nBcc: evil@example.com', email_verified: true }),
    );
    expect(user.email).toBeNull();
    expect(user.name).toMatch(/^Jane\s+x+$/);
    expect(user.name!.length).toBeLessThanOrEqual(120);
  });
});

describe('REGISTRATION', () => {
  test.each([
    ['open', true, true],
    ['identity', false, true],
    ['closed', false, false],
  ])(
    '%s: register %p, new identities %p, and existing accounts sign in',
    async (REGISTRATION, registers, exchanges) => {
      await using provider = await IdentityProvider.start();
      await using before = await TestServer.start({ ...provider.settings });
      await using server = await TestServer.start({ ...provider.settings, REGISTRATION });
      expect(await before.count('users')).toBe(0);
      const input = { email: 'jane@example.com', password: PASSWORD };
      const register = server.anyone.request(RegisterDocument, { input });
      if (registers) await register;
      else
        await expect(register).rejects.toMatchObject({ response: { errors: [{ extensions: { code: 'FORBIDDEN' } }] } });
      const person = newPerson();
      const token = await provider.signIn(person);
      if (exchanges) await exchange(server, token);
      else expect(await exchangeCode(server, token)).toBe('FORBIDDEN');
      if (REGISTRATION !== 'closed') return;
      // As if the identity had been seen before.
      const user = new User();
      const identity = Object.assign(new Identity(), { issuer: provider.issuer, subject: person.sub, user });
      await server.em.persist([user, identity]).flush();
      expect((await exchange(server, token)).user.id).toBe(user.id);
    },
  );
});

describe('attacks on identity tokens', () => {
  const ISSUER = 'https://login.example.com';
  const folder = mkdtempSync(join(tmpdir(), 'parley-keys-'));
  let server: TestServer;
  let rsa: Awaited<ReturnType<typeof generateKeyPair>>;
  let ec: Awaited<ReturnType<typeof generateKeyPair>>;
  let jwk: JWK;

  beforeAll(async () => {
    rsa = await generateKeyPair('RS256', { extractable: true });
    ec = await generateKeyPair('ES256', { extractable: true });
    jwk = { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', use: 'sig' };
    const keys = [jwk, { ...(await exportJWK(ec.publicKey)), kid: 'ec', use: 'sig' }];
    const file = join(folder, 'jwks.json');
    writeFileSync(file, JSON.stringify({ keys }));
    server = await TestServer.start({ IDENTITY_ISSUER: ISSUER, IDENTITY_AUDIENCE: 'parley', IDENTITY_JWKS_FILE: file });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const now = () => Math.floor(Date.now() / 1000);
  const claims = (more: JWTPayload = {}): JWTPayload => ({
    iss: ISSUER,
    aud: 'parley',
    sub: 'jane',
    iat: now(),
    exp: now() + 300,
    ...more,
  });
  const sign = (payload: JWTPayload, header: Record<string, unknown> = {}, key = rsa.privateKey) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: 'rsa', ...header }).sign(key);
  const encode = (value: object) => base64url.encode(JSON.stringify(value));
  const signWithSecret = (secret: string | Buffer, header: object) => {
    const input = `${encode(header)}.${encode(claims())}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };

  test('a good token of a key file is accepted, also with several audiences', async () => {
    await exchange(server, await sign(claims()));
    await exchange(server, await sign(claims({ aud: ['other', 'parley'] })));
    await exchange(server, await sign(claims(), { alg: 'ES256', kid: 'ec' }, ec.privateKey));
  });

  test('HS256 with the public key as secret is UNAUTHENTICATED, in each form of the key', async () => {
    const pem = await exportSPKI(rsa.publicKey);
    const secrets = [pem, pem.trim(), JSON.stringify(jwk), Buffer.from(jwk.n!, 'base64url'), ''];
    for (const secret of secrets)
      for (const kid of ['rsa', 'ec', undefined])
        expect(await exchangeCode(server, signWithSecret(secret, { alg: 'HS256', kid }))).toBe('UNAUTHENTICATED');
  });

  test('none, other algorithms, keys of another type, and keys in the header are UNAUTHENTICATED', async () => {
    const stranger = await generateKeyPair('RS256', { extractable: true });
    const embedded = await exportJWK(stranger.publicKey);
    const unsigned = ['none', 'None', 'NONE', ''].map((alg) => `${encode({ alg, kid: 'rsa' })}.${encode(claims())}.`);
    const tokens = [
      ...unsigned,
      await sign(claims(), { alg: 'RS512' }, (await generateKeyPair('RS512')).privateKey),
      await sign(claims(), { alg: 'PS256' }, (await generateKeyPair('PS256')).privateKey),
      // The key of the header is not trusted, nor is an address of keys.
      await sign(claims(), { jwk: embedded }, stranger.privateKey),
      await sign(claims(), { jku: 'https://evil.example/jwks' }, stranger.privateKey),
      await sign(claims(), { alg: 'ES256', kid: 'rsa' }, ec.privateKey),
      await sign(claims(), { crit: ['exp'], exp: 1 }).catch(() => 'x.y.z'),
    ];
    for (const token of tokens) expect(await exchangeCode(server, token)).toBe('UNAUTHENTICATED');
  });

  test('a kid is only compared: paths, injections and unknown ids are UNAUTHENTICATED', async () => {
    const kids = [
      '../../../../dev/null',
      '/dev/null',
      "' or '1'='1",
      'rsa\u0000',
      'RSA',
      '__proto__',
      'x'.repeat(5_000),
    ];
    for (const kid of kids) {
      expect(await exchangeCode(server, await sign(claims(), { kid }))).toBe('UNAUTHENTICATED');
      expect(await exchangeCode(server, signWithSecret('', { alg: 'HS256', kid }))).toBe('UNAUTHENTICATED');
    }
  });

  test('issuer, audience, times and subject are checked, with 60 seconds of skew', async () => {
    const accepted = [{ exp: now() - 30 }, { nbf: now() + 30 }, { iat: now() + 30 }];
    for (const claim of accepted) await exchange(server, await sign(claims(claim)));
    const rejected: JWTPayload[] = [
      { exp: now() - 120 },
      { exp: undefined },
      { exp: 'tomorrow' as never },
      { nbf: now() + 120 },
      { iat: now() + 120 },
      { iat: undefined },
      { iss: `${ISSUER}/` },
      { iss: undefined },
      { iss: [ISSUER] as never },
      { aud: 'other' },
      { aud: ['other'] },
      { aud: undefined },
      { sub: undefined },
      { sub: '' },
      { sub: 'x'.repeat(256) },
      { sub: 'a\u0000b' },
      { sub: { id: 1 } as never },
      // A logout token.
      { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    ];
    for (const claim of rejected)
      expect([claim, await exchangeCode(server, await sign(claims(claim)))]).toEqual([claim, 'UNAUTHENTICATED']);
    // An access token for the same audience.
    for (const typ of ['at+jwt', 'logout+jwt', 7, {}])
      expect(await exchangeCode(server, await sign(claims(), { typ }))).toBe('UNAUTHENTICATED');
    expect(server.logged.filter((line) => line.includes('identity_token_rejected'))[0]).toContain('"address"');
  });

  test('a changed, cut or malformed token is UNAUTHENTICATED, and no token is logged', async () => {
    const token = await sign(claims());
    const [header, , signature] = token.split('.') as [string, string, string];
    const forged = `${header}.${encode(claims({ sub: 'admin' }))}.${signature}`;
    for (const bad of [
      forged,
      token.slice(0, -10),
      `${header}..${signature}`,
      '',
      'x',
      '..',
      `${token}.x`,
      `Bearer ${token}`,
    ])
      expect(await exchangeCode(server, bad)).toBe('UNAUTHENTICATED');
    expect(server.logged.join('')).not.toContain(signature);
    expect(await server.em.count(Identity, { subject: 'admin' })).toBe(0);
  });
});

test.each([
  [{ IDENTITY_ISSUER: 'https://login.example.com' }, 'IDENTITY_AUDIENCE'],
  [{ IDENTITY_ISSUER: 'https://login.example.com', IDENTITY_AUDIENCE: 'parley' }, 'IDENTITY_JWKS_URL'],
  [{ REGISTRATION: 'identity' }, 'IDENTITY_ISSUER'],
])('%j is reported as incomplete', async (settings, missing) => {
  await expect(TestServer.start(settings as Record<string, string>)).rejects.toThrow(missing);
});
