import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/database.js';
import { UnauthenticatedError } from '../platform/errors/api-error.js';
import { assertEmail, emailKey } from './email.js';
import type { AuthPayload, LoginInput, RegisterInput } from './auth.types.js';
import { EmailTakenError } from './auth.errors.js';
import type { Passwords } from './passwords.js';
import type { SessionService } from './session.service.js';
import { User } from './user.entity.js';

export class UserService {
  constructor(
    private readonly passwords: Passwords,
    private readonly sessions: SessionService,
  ) {}

  /** @throws EmailTakenError, also for the loser of two who register one address at once. */
  async register(em: EntityManager, input: RegisterInput, userAgent: string | null): Promise<AuthPayload> {
    if (!(await this.emailAvailable(em, input.email))) throw new EmailTakenError();
    const user = new User();
    user.email = input.email;
    user.emailKey = emailKey(input.email);
    user.passwordHash = await this.passwords.hash(input.password);
    user.name = input.name ?? null;
    user.phone = input.phone ?? null;
    em.persist(user);
    const payload = this.sessions.start(em, user, userAgent);
    try {
      await em.flush();
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) throw new EmailTakenError();
      throw error;
    }
    return payload;
  }

  /** @throws UnauthenticatedError, the same after the same work whether the email or the password is wrong. */
  async login(em: EntityManager, input: LoginInput, userAgent: string | null): Promise<AuthPayload> {
    const user = await em.findOne(User, { emailKey: emailKey(input.email) }, { populate: ['passwordHash'] });
    if (!(await this.passwords.verify(user?.passwordHash ?? null, input.password)) || !user) {
      throw new UnauthenticatedError('The email or the password is wrong.');
    }
    const payload = this.sessions.start(em, user, userAgent);
    await em.flush();
    return payload;
  }

  /** @throws BadUserInputError for what is no address. */
  async emailAvailable(em: EntityManager, email: string): Promise<boolean> {
    assertEmail(email);
    return (await em.count(User, { emailKey: emailKey(email) })) === 0;
  }

  /** @throws UnauthenticatedError when the account is gone. */
  async get(em: EntityManager, id: string): Promise<User> {
    const user = await em.findOne(User, { id });
    if (!user) throw new UnauthenticatedError('This account no longer exists.');
    return user;
  }
}
