import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { findPage, type Page, type Reader } from '../platform/db/find-page.js';
import { newId } from '../platform/db/ids.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { QueryTarget } from '../platform/db/prepared-query.js';
import { inTransaction } from '../platform/db/transaction.js';
import { ForbiddenError, UnauthenticatedError } from '../platform/errors/api-error.js';
import type { AccountDeletion } from './account-deletion.js';
import { AccountDisabledError, EmailTakenError, WrongPasswordError } from './auth.errors.js';
import type { AuthLimits } from './auth-limits.js';
import type { AuthPayload, ChangePasswordInput, LoginInput, RegisterInput, UpdateProfileInput } from './auth.types.js';
import { assertEmail, toEmailKey } from './email.js';
import { EmailToken } from './email-token.entity.js';
import type { GuestService } from './guest.service.js';
import { assertStrong } from './password-strength.js';
import type { Passwords } from './passwords.js';
import { RefreshToken } from './refresh-token.entity.js';
import { Role } from './role.js';
import { SessionEndReason } from './session.entity.js';
import type { SessionService, StartedSession } from './session.service.js';
import { toEventOrigin, type SecurityEvents, type SignInFailure } from './security-events.js';
import { User } from './user.entity.js';
import { credentialsByEmailKey, toUser, userById, type UserRow } from './user.row.js';
import type { Client, Viewer } from './viewer.js';

export class UserService {
  constructor(
    private readonly passwords: Passwords,
    private readonly sessions: SessionService,
    private readonly limits: AuthLimits,
    private readonly events: SecurityEvents,
    private readonly guests: GuestService,
    private readonly deletion: AccountDeletion,
    /** Whether accounts can be registered with an email and a password. */
    private readonly isOpen: boolean,
  ) {}

  /**
   * Creates an account and starts a session. With a claim, the conversations of the guest become those of the account.
   * @throws EmailTakenError if the email is registered, also by a concurrent request.
   * @throws ForbiddenError if registration is closed.
   * @throws InvalidClaimError, RateLimitedError
   */
  async register(em: EntityManager, input: RegisterInput, client: Client): Promise<AuthPayload> {
    if (!this.isOpen) throw new ForbiddenError('Registration is closed; contact the operator of this server.');
    await this.limits.countAttempt(client.address);
    if (await this.#isTaken(em, input.email)) return await this.#repeatRegistration(em, input, client);
    const passwordHash = await this.passwords.hash(input.password, client, async () => {
      assertStrong('password', input.password, [input.email, input.name]);
      await this.limits.countRegistration(client.address);
    });
    const from = toEventOrigin(client);
    const registered = await inTransaction(em, async (tx) => {
      const user = new User();
      user.email = input.email.trim();
      user.emailKey = toEmailKey(input.email);
      user.passwordHash = passwordHash;
      user.name = input.name ?? null;
      user.phone = input.phone ?? null;
      tx.persist(user);
      const payload = this.sessions.start(tx, user, client);
      await tx.flush();
      return { payload, claimed: input.claim == null ? null : await this.guests.claim(tx, input.claim, user, from) };
    }).catch((error: unknown) => {
      if (error instanceof UniqueConstraintViolationException) return null;
      throw error;
    });
    if (!registered) return await this.#repeatRegistration(em, input, client);
    await this.#recordStart(em, 'registered', registered.payload, client);
    await this.guests.announce(em, registered.claimed, from);
    return registered.payload;
  }

  /**
   * Signs in if the request repeats a registration that claimed the same guest.
   * @throws EmailTakenError otherwise.
   */
  async #repeatRegistration(em: EntityManager, input: RegisterInput, client: Client): Promise<AuthPayload> {
    const { email, password, claim } = input;
    if (claim == null) throw new EmailTakenError();
    const user = await em.fork().findOne(User, { emailKey: toEmailKey(email) }, { fields: ['id'] });
    if (!user || !(await this.guests.isClaimedBy(em, claim, user.id))) throw new EmailTakenError();
    return await this.login(em, { email, password, claim }, client);
  }

  /**
   * Starts a session for the account with this email and password. With a claim, the conversations of the guest become
   * those of the account.
   * @throws UnauthenticatedError, with the same message and timing for an unknown email and for a wrong password.
   * @throws AccountDisabledError, InvalidClaimError only after the right password.
   * @throws RateLimitedError
   */
  async login(em: EntityManager, { email, password, claim }: LoginInput, client: Client): Promise<AuthPayload> {
    const { address } = client;
    await this.limits.countAttempt(address);
    const user = await credentialsByEmailKey.get(em, toEmailKey(email));
    // The same query for an unknown email, so that the response takes as long.
    const isKnown = await this.sessions.hasStartedFrom(em, user?.id ?? newId(), address);
    await this.limits.countLogin(email, address, { isKnown });
    if (!(await this.passwords.verify(user?.password_hash ?? null, password, client)) || !user?.password_hash) {
      await this.#recordFailure(em, user?.id ?? null, user ? 'wrong_password' : 'unknown_email', client);
      throw new UnauthenticatedError('Incorrect email or password.');
    }
    const { id, password_hash: passwordHash } = user;
    const isOutdated = this.passwords.isOutdated(passwordHash);
    const newHash = isOutdated ? await this.passwords.hash(password, client) : passwordHash;
    const from = toEventOrigin(client);
    const signedIn = await inTransaction(em, async (tx) => {
      await this.#assertUnchanged(tx, id, passwordHash, newHash);
      const account = await this.get(tx, id);
      if (account.disabledAt) return null;
      const payload = this.sessions.start(tx, account, client);
      return { payload, claimed: claim == null ? null : await this.guests.claim(tx, claim, account, from) };
    });
    if (!signedIn) {
      await this.#recordFailure(em, id, 'account_disabled', client);
      throw new AccountDisabledError();
    }
    await this.limits.resetLogins(email, address);
    await this.#recordStart(em, 'signed_in', signedIn.payload, client);
    await this.guests.announce(em, signedIn.claimed, from);
    return signedIn.payload;
  }

  /**
   * Exchanges a refresh token for a new pair of tokens.
   * @throws UnauthenticatedError if the token is unknown, reused or expired.
   * @throws RateLimitedError
   */
  async refresh(em: EntityManager, refreshToken: string, client: Client): Promise<AuthPayload> {
    await this.limits.countAttempt(client.address);
    return await this.sessions.refresh(em, refreshToken, toEventOrigin(client));
  }

  /**
   * Returns whether an account can be registered with this email.
   * @throws BadUserInputError if it is not a valid email address.
   * @throws RateLimitedError
   */
  async emailAvailable(em: EntityManager, email: string, client: Client): Promise<boolean> {
    await this.limits.countAttempt(client.address);
    assertEmail(email);
    return !(await this.#isTaken(em, email));
  }

  /** Returns the viewer's account; null if the id is another one. */
  async find(em: EntityManager, { userId }: Viewer, id: string): Promise<User | null> {
    return id === userId ? await this.get(em, id) : null;
  }

  /** @throws UnauthenticatedError if the account no longer exists. */
  async get(em: EntityManager, id: string): Promise<User> {
    const user = await em.findOne(User, { id });
    if (!user) throw new UnauthenticatedError('This account no longer exists.');
    return user;
  }

  /** Does the same as `get`, without an entity. */
  async read(db: QueryTarget, id: string): Promise<UserRow> {
    const row = await userById.get(db, id);
    if (!row) throw new UnauthenticatedError('This account no longer exists.');
    return toUser(row);
  }

  /** Returns a page of all accounts without guests, the newest first. Ids are UUIDv7: their order is that of creation. */
  list(reader: Reader, page: { first: number; after?: string | null }): Promise<Page<User>> {
    return findPage(reader, page, {
      entity: User,
      where: () => ({ role: { $ne: Role.GUEST } }),
      orderBy: { id: 'desc' },
      cursor: ['id'],
      defaultPage: { first: 20 },
    });
  }

  /** Updates the given fields: null clears a field, an omitted field stays unchanged. */
  async updateProfile(em: EntityManager, viewer: Viewer, { name, phone }: UpdateProfileInput): Promise<User> {
    const user = await this.get(em, viewer.userId);
    if (name !== undefined) user.name = name;
    if (phone !== undefined) user.phone = phone;
    await em.flush();
    return user;
  }

  /**
   * Sets a new password, ends all other sessions, and revokes the earlier tokens of this session.
   * @throws WrongPasswordError, RateLimitedError
   * @throws ForbiddenError if the user has no password, because the access token alone may be stolen.
   */
  async changePassword(em: EntityManager, viewer: Viewer, input: ChangePasswordInput): Promise<AuthPayload> {
    const verified = await this.#confirmPassword(em, viewer, 'currentPassword', input.currentPassword ?? null);
    if (verified === null)
      throw new ForbiddenError('You have no password to change; verify your email and request a password reset.');
    const { email, name } = await this.get(em, viewer.userId);
    const passwordHash = await this.passwords.hash(input.newPassword, viewer, () =>
      assertStrong('newPassword', input.newPassword, [email, name]),
    );
    const { payload, ended, tokenVersion } = await inTransaction(em, async (tx) => {
      await this.#assertUnchanged(tx, viewer.userId, verified);
      const user = await this.get(tx, viewer.userId);
      user.passwordHash = passwordHash;
      // Links for a new password that were sent before.
      await tx.nativeDelete(EmailToken, { user: viewer.userId });
      const others = await this.sessions.endOthers(tx, viewer, SessionEndReason.PASSWORD_CHANGED);
      const session = await this.sessions.lock(tx, viewer.sessionId);
      await tx.nativeDelete(RefreshToken, { session: viewer.sessionId });
      if (!session) throw new UnauthenticatedError('The session has ended; sign in again.');
      session.tokenVersion += 1;
      return { payload: this.sessions.issue(tx, session, user), ended: others, tokenVersion: session.tokenVersion };
    });
    const from = toEventOrigin(viewer);
    await this.events.record(em, { type: 'password_changed', userId: viewer.userId, ...from });
    await this.sessions.announceEnded(em, ended, from);
    this.sessions.closeRevoked({ sessionId: viewer.sessionId, tokenVersion });
    return payload;
  }

  /**
   * Deletes the account and all its data. Users without a password need none.
   * @throws WrongPasswordError, RateLimitedError
   */
  async deleteAccount(em: EntityManager, viewer: Viewer, password: string | null): Promise<void> {
    await this.#confirmPassword(em, viewer, 'password', password);
    await this.deletion.run(em, viewer.userId);
    this.events.report({ type: 'account_deleted', userId: viewer.userId, ...toEventOrigin(viewer) });
  }

  /**
   * Verifies the password and returns its hash; null if the user has none. Counts as a guess, because the caller may use
   * a stolen token.
   */
  async #confirmPassword(
    em: EntityManager,
    viewer: Viewer,
    field: string,
    password: string | null,
  ): Promise<string | null> {
    const user = await em.findOne(User, { id: viewer.userId }, { populate: ['passwordHash'] });
    if (!user) throw new UnauthenticatedError('This account no longer exists.');
    if (user.passwordHash === null) return null;
    await this.limits.countConfirmation(viewer.userId);
    if (await this.passwords.verify(user.passwordHash, password ?? '', viewer)) return user.passwordHash;
    const { userId } = viewer;
    await this.events.record(em, { type: 'password_confirmation_failed', userId, ...toEventOrigin(viewer) });
    throw new WrongPasswordError(field);
  }

  #recordStart(
    em: EntityManager,
    type: 'registered' | 'signed_in',
    { user, sessionId }: StartedSession,
    client: Client,
  ): Promise<void> {
    return this.events.record(em, { type, userId: user.id, sessionId, ...toEventOrigin(client) });
  }

  #recordFailure(
    em: EntityManager,
    userId: string | null,
    reason: SignInFailure['reason'],
    client: Client,
  ): Promise<void> {
    return this.events.record(em, { type: 'sign_in_failed', userId, reason, ...toEventOrigin(client) });
  }

  /**
   * Rejects the request if the password changed while it was being verified. The check is an update and not a read, so
   * that it waits for a concurrent change of the password.
   * @param newHash replaces the hash, for example with one that has other parameters
   */
  async #assertUnchanged(tx: EntityManager, id: string, passwordHash: string, newHash = passwordHash): Promise<void> {
    const same = await tx.nativeUpdate(User, { id, passwordHash }, { passwordHash: newHash });
    if (same === 0) throw new UnauthenticatedError('The password has changed; sign in again.');
  }

  async #isTaken(em: EntityManager, email: string): Promise<boolean> {
    return (await em.count(User, { emailKey: toEmailKey(email) })) > 0;
  }
}
