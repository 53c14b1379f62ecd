import {
  ChangePasswordDocument,
  DeleteAccountDocument,
  LoginDocument,
  LogoutAllDocument,
  LogoutDocument,
  MeDocument,
  RefreshTokensDocument,
  RegisterDocument,
  StartGuestSessionDocument,
} from '../../client/src/generated/graphql.js';
import { AccountAdminService } from '../../src/auth/account-admin.service.js';
import { Passwords } from '../../src/auth/passwords.js';
import { RefreshToken } from '../../src/auth/refresh-token.entity.js';
import { Role } from '../../src/auth/role.js';
import { SecurityEvents } from '../../src/auth/security-events.js';
import { Session } from '../../src/auth/session.entity.js';
import { User } from '../../src/auth/user.entity.js';
import { createRateLimiterInMemory } from '../../src/platform/limits/rate-limiter.js';
import { createLog } from '../../src/platform/telemetry/log.js';
import { PASSWORD, TestServer } from '../kit/server.js';

/** A user with one session. */
interface Subject {
  id: string;
  email: string;
  accessToken: string;
  refreshToken: string;
}

/**
 * Everything that changes who a request comes from. Each token has been used before on every instance, and the change is
 * made on one of them.
 */
describe('a token that has been used is judged anew on all instances', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ GUESTS: 'on', GUEST_SESSIONS_PER_ADDRESS: 'off' });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** A client of the first instance. */
  const at = (accessToken: string | null) => server.client(accessToken, server.server.url);

  const clients = (accessToken: string) => server.instances.map(({ url }) => server.client(accessToken, url));

  const use = async (accessToken: string) => {
    for (const client of clients(accessToken)) await client.request(MeDocument);
  };

  const expectRefused = async (accessToken: string) => {
    for (const client of clients(accessToken)) expect(await client.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
  };

  const createMember = async (): Promise<Subject> => {
    const { id, email } = await server.user();
    const { login } = await server.anyone.request(LoginDocument, { input: { email, password: PASSWORD } });
    return { id, email, accessToken: login.accessToken, refreshToken: login.refreshToken };
  };

  const startGuest = async (): Promise<Subject> => {
    const { startGuestSession } = await server.anyone.request(StartGuestSessionDocument);
    const { accessToken, refreshToken, user } = startGuestSession;
    return { id: user.id, email: '', accessToken, refreshToken };
  };

  /** What operators do, in a process of its own. */
  const admin = () => {
    const log = createLog({ level: 'silent', format: 'json', secrets: [] });
    const limiter = createRateLimiterInMemory('test', { limit: 1, window: 1_000 }, () => {});
    return new AccountAdminService(new Passwords(), new SecurityEvents(log, limiter));
  };

  const changes: Record<string, (subject: Subject) => Promise<unknown>> = {
    logout: ({ refreshToken }) => at(null).request(LogoutDocument, { input: { refreshToken } }),
    'logoutAll by this session': ({ accessToken }) => at(accessToken).request(LogoutAllDocument),
    'logoutAll by another session': async ({ email }) => {
      const { login } = await at(null).request(LoginDocument, { input: { email, password: PASSWORD } });
      await at(login.accessToken).request(LogoutAllDocument);
    },
    'changePassword by this session': ({ accessToken }) =>
      at(accessToken).request(ChangePasswordDocument, {
        input: { currentPassword: PASSWORD, newPassword: 'a quite different one' },
      }),
    'changePassword by another session': async ({ email }) => {
      const { login } = await at(null).request(LoginDocument, { input: { email, password: PASSWORD } });
      await at(login.accessToken).request(ChangePasswordDocument, {
        input: { currentPassword: PASSWORD, newPassword: 'a quite different one' },
      });
    },
    'reuse of a refresh token': async ({ refreshToken }) => {
      const refresh = (token: string) => at(null).request(RefreshTokensDocument, { input: { refreshToken: token } });
      const { refreshTokens } = await refresh(refreshToken);
      await refresh(refreshTokens.refreshToken);
      const longAgo = new Date(Date.now() - 86_400_000);
      await server.em.nativeUpdate(RefreshToken, { spentAt: { $ne: null } }, { spentAt: longAgo });
      expect(await at(null).getErrorCode(RefreshTokensDocument, { input: { refreshToken } })).toBe('UNAUTHENTICATED');
    },
    deleteAccount: ({ accessToken }) =>
      at(accessToken).request(DeleteAccountDocument, { input: { password: PASSWORD } }),
    'an operator who disables the account': ({ email }) => admin().disable(server.em, email),
    'an operator who resets the password': ({ email }) => admin().resetPassword(server.em, email, 'a new password 1'),
    'the expiry of the session': ({ id }) => server.em.nativeUpdate(Session, { user: id }, { expiresAt: new Date() }),
    'an account that is deleted in the database': ({ id }) => server.em.nativeDelete(User, { id }),
  };

  test.each(Object.keys(changes))('%s', async (name) => {
    const [subject, bystander] = [await createMember(), await createMember()];
    await use(subject.accessToken);
    await use(bystander.accessToken);
    await changes[name]!(subject);
    await expectRefused(subject.accessToken);
    await use(bystander.accessToken);
  });

  test('an account that claims the guest', async () => {
    const guest = await startGuest();
    await use(guest.accessToken);
    await at(null).request(RegisterDocument, {
      input: { email: `${guest.id}@example.com`, password: PASSWORD, claim: guest.refreshToken },
    });
    await expectRefused(guest.accessToken);
  });

  test('the deletion of idle guests', async () => {
    const guest = await startGuest();
    await use(guest.accessToken);
    const past = new Date(Date.now() - 365 * 86_400_000);
    await server.em.nativeUpdate(User, { id: guest.id }, { createdAt: past });
    await server.em.nativeUpdate(Session, { user: guest.id }, { lastUsedAt: past });
    await server.server.services.guests.cleanUp(server.em);
    await expectRefused(guest.accessToken);
  });

  test('a role that changes', async () => {
    const { email, accessToken } = await createMember();
    const readRoles = () =>
      Promise.all(clients(accessToken).map(async (client) => (await client.request(MeDocument)).me.role));
    const report = (client: ReturnType<typeof at>) => client.request('{ usage(scope: EVERYONE) { answers } }');
    for (const client of clients(accessToken)) await expect(report(client)).rejects.toThrow('ADMIN');
    await admin().setRole(server.em, email, Role.ADMIN);
    for (const client of clients(accessToken)) await report(client);
    expect(new Set(await readRoles())).toEqual(new Set(['ADMIN']));
    await admin().setRole(server.em, email, Role.USER);
    for (const client of clients(accessToken)) await expect(report(client)).rejects.toThrow('ADMIN');
  });

  test('a refreshed session, whose earlier tokens stay valid', async () => {
    const { accessToken, refreshToken } = await createMember();
    await use(accessToken);
    const { refreshTokens } = await at(null).request(RefreshTokensDocument, { input: { refreshToken } });
    await use(refreshTokens.accessToken);
    await use(accessToken);
  });
});
