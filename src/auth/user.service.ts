import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/database.js';
import { inTransaction } from '../platform/db/transaction.js';
import { UnauthenticatedError } from '../platform/errors/api-error.js';
import type { Bus } from '../platform/pubsub/bus.js';
import { EmailTakenError, WrongPasswordError } from './auth.errors.js';
import { accountDeleted } from './auth.events.js';
import type { AuthLimits } from './auth-limits.js';
import type { AuthPayload, ChangePasswordInput, LoginInput, RegisterInput, UpdateProfileInput } from './auth.types.js';
import { assertEmail, emailKey } from './email.js';
import type { Passwords } from './passwords.js';
import { RefreshToken } from './refresh-token.entity.js';
import { SessionEnd } from './session.entity.js';
import type { SessionService } from './session.service.js';
import { User } from './user.entity.js';
import type { Viewer } from './viewer.js';

/** Who is calling, as far as the connection tells. */
export interface Client {
  address: string;
  userAgent: string | null;
}

export class UserService {
  constructor(
    private readonly passwords: Passwords,
    private readonly sessions: SessionService,
    private readonly limits: AuthLimits,
    private readonly bus: Bus,
  ) {}

  /**
   * @throws EmailTakenError, also for the loser of two who register one address at once.
   * @throws RateLimitedError
   */
  async register(em: EntityManager, input: RegisterInput, client: Client): Promise<AuthPayload> {
    await this.limits.attempt(client.address);
    if (await this.#isTaken(em, input.email)) throw new EmailTakenError();
    const user = new User();
    user.email = input.email;
    user.emailKey = emailKey(input.email);
    user.passwordHash = await this.passwords.hash(input.password);
    user.name = input.name ?? null;
    user.phone = input.phone ?? null;
    em.persist(user);
    const payload = this.sessions.start(em, user, client.userAgent);
    try {
      await em.flush();
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) throw new EmailTakenError();
      throw error;
    }
    return payload;
  }

  /**
   * @throws UnauthenticatedError, the same after the same work whether the email or the password is wrong.
   * @throws RateLimitedError
   */
  async login(em: EntityManager, { email, password }: LoginInput, client: Client): Promise<AuthPayload> {
    await this.limits.attempt(client.address);
    await this.limits.guess(email);
    const user = await em.findOne(User, { emailKey: emailKey(email) }, { populate: ['passwordHash'] });
    if (!(await this.passwords.verify(user?.passwordHash ?? null, password)) || !user) {
      throw new UnauthenticatedError('The email or the password is wrong.');
    }
    const { id, passwordHash } = user;
    return await inTransaction(em, async (tx) => {
      await this.#assertUnchanged(tx, id, passwordHash);
      return this.sessions.start(tx, await this.get(tx, id), client.userAgent);
    });
  }

  /**
   * @throws UnauthenticatedError for a refresh token that is unknown, spent or expired.
   * @throws RateLimitedError
   */
  async refresh(em: EntityManager, refreshToken: string, client: Client): Promise<AuthPayload> {
    await this.limits.attempt(client.address);
    return await this.sessions.refresh(em, refreshToken);
  }

  /**
   * @throws BadUserInputError for what is no address.
   * @throws RateLimitedError
   */
  async emailAvailable(em: EntityManager, email: string, client: Client): Promise<boolean> {
    await this.limits.attempt(client.address);
    assertEmail(email);
    return !(await this.#isTaken(em, email));
  }

  /** @throws UnauthenticatedError when the account is gone. */
  async get(em: EntityManager, id: string): Promise<User> {
    const user = await em.findOne(User, { id });
    if (!user) throw new UnauthenticatedError('This account no longer exists.');
    return user;
  }

  /** Changes what is given; null clears it, and what is left out stays. */
  async updateProfile(em: EntityManager, viewer: Viewer, { name, phone }: UpdateProfileInput): Promise<User> {
    const user = await this.get(em, viewer.userId);
    if (name !== undefined) user.name = name;
    if (phone !== undefined) user.phone = phone;
    await em.flush();
    return user;
  }

  /**
   * Sets a new password. Every other session ends, and so do this session's earlier refresh tokens.
   * @throws WrongPasswordError, RateLimitedError
   */
  async changePassword(em: EntityManager, viewer: Viewer, input: ChangePasswordInput): Promise<AuthPayload> {
    const verified = await this.#authorize(em, viewer, 'currentPassword', input.currentPassword);
    const passwordHash = await this.passwords.hash(input.newPassword);
    const [payload, ended] = await inTransaction(em, async (tx): Promise<[AuthPayload, string[]]> => {
      await this.#assertUnchanged(tx, viewer.userId, verified);
      const user = await this.get(tx, viewer.userId);
      user.passwordHash = passwordHash;
      const others = await this.sessions.endOthers(tx, viewer, SessionEnd.PASSWORD_CHANGED);
      const session = await this.sessions.lock(tx, viewer.sessionId);
      await tx.nativeDelete(RefreshToken, { session: viewer.sessionId });
      if (!session) throw new UnauthenticatedError('This session has ended; sign in again.');
      return [this.sessions.issue(tx, session, user), others];
    });
    this.sessions.announce(ended);
    return payload;
  }

  /**
   * Deletes the account with everything in it.
   * @throws WrongPasswordError, RateLimitedError
   */
  async deleteAccount(em: EntityManager, viewer: Viewer, password: string): Promise<void> {
    await this.#authorize(em, viewer, 'password', password);
    const sessions = await this.sessions.alive(em, viewer.userId);
    await inTransaction(em, (tx) => tx.nativeDelete(User, { id: viewer.userId }));
    this.bus.publish(accountDeleted, { userId: viewer.userId });
    this.sessions.announce(sessions.map(({ id }) => id));
  }

  /** Asks for the password once more, and counts it as a guess: the caller may be somebody with a stolen token. Returns the hash. */
  async #authorize(em: EntityManager, viewer: Viewer, field: string, password: string): Promise<string> {
    const user = await em.findOne(User, { id: viewer.userId }, { populate: ['passwordHash'] });
    if (!user) throw new UnauthenticatedError('This account no longer exists.');
    await this.limits.guess(user.email);
    if (!(await this.passwords.verify(user.passwordHash, password))) throw new WrongPasswordError(field);
    return user.passwordHash;
  }

  /**
   * Hashing takes its time, and the password may have been changed meanwhile: who has shown the old one stays outside.
   * It is a write, so that whoever changes it at the same time is waited for.
   */
  async #assertUnchanged(tx: EntityManager, id: string, passwordHash: string): Promise<void> {
    const same = await tx.nativeUpdate(User, { id, passwordHash }, { passwordHash });
    if (same === 0) throw new UnauthenticatedError('The password has just been changed; sign in again.');
  }

  async #isTaken(em: EntityManager, email: string): Promise<boolean> {
    return (await em.count(User, { emailKey: emailKey(email) })) > 0;
  }
}
