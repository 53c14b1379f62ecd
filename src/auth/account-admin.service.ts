import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { isId } from '../platform/db/ids.js';
import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { EmailTakenError } from './auth.errors.js';
import { toEmailKey } from './email.js';
import { EmailToken } from './email-token.entity.js';
import type { Passwords } from './passwords.js';
import { Role } from './role.js';
import { SecurityEventEntry } from './security-event.entity.js';
import type { SecurityEvents } from './security-events.js';
import { Session, SessionEndReason } from './session.entity.js';
import { User } from './user.entity.js';

/** An account in the operator's list. */
export interface AccountSummary {
  id: string;
  /** Null for a user of the identity provider without an email. */
  email: string | null;
  role: Role;
  disabledAt: Date | null;
  createdAt: Date;
}

/** Accounts read at a time by `list`. */
const PAGE_SIZE = 500;

/**
 * What operators do with accounts from the command line. A running server sees each change with the next request; it
 * closes the open sockets of ended sessions within a minute.
 */
export class AccountAdminService {
  constructor(
    private readonly passwords: Passwords,
    private readonly events: SecurityEvents,
  ) {}

  /** @throws EmailTakenError */
  async create(
    em: EntityManager,
    account: { email: string; password: string; name: string | null; role: Role },
  ): Promise<void> {
    const user = new User();
    user.email = account.email.trim();
    user.emailKey = toEmailKey(account.email);
    user.passwordHash = await this.passwords.hash(account.password);
    user.name = account.name;
    user.role = account.role;
    try {
      await em.persist(user).flush();
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) throw new EmailTakenError();
      throw error;
    }
    await this.events.record(em, { type: 'account_created', userId: user.id });
  }

  /** Yields all accounts, the oldest first, without guests. */
  async *list(em: EntityManager): AsyncGenerator<AccountSummary, void> {
    for (let after = ''; ;) {
      const page = await em.fork().find(
        User,
        { role: { $ne: Role.GUEST }, ...(after ? { id: { $gt: after } } : {}) },
        {
          fields: ['id', 'email', 'role', 'disabledAt', 'createdAt'],
          // Ids are UUIDv7: their order is that of creation.
          orderBy: { id: 'asc' },
          limit: PAGE_SIZE,
        },
      );
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE_SIZE) return;
      after = last.id;
    }
  }

  /** Returns the security events of an account, the newest first; null if no account has this email. */
  async findEvents(em: EntityManager, email: string): Promise<AsyncGenerator<SecurityEventEntry, void> | null> {
    const user = await em.findOne(User, toAccountFilter(email), { fields: ['id'] });
    return user && this.#readEvents(em, user.id);
  }

  async *#readEvents(em: EntityManager, user: string): AsyncGenerator<SecurityEventEntry, void> {
    for (let after: string | undefined; ;) {
      const page = await em.fork().findByCursor(SecurityEventEntry, {
        where: { user },
        orderBy: { at: 'desc', id: 'desc' },
        first: PAGE_SIZE,
        after,
        includeCount: false,
      });
      yield* page.items;
      if (!page.hasNextPage) return;
      after = page.endCursor!;
    }
  }

  /** Each of the following returns false if no account has this email, or id. */

  async setRole(em: EntityManager, email: string, role: Role): Promise<boolean> {
    const userId = await this.#update(em, email, { role });
    if (userId) await this.events.record(em, { type: 'role_changed', userId, role });
    return userId !== null;
  }

  /** Also ends the account's sessions. */
  async disable(em: EntityManager, email: string): Promise<boolean> {
    const userId = await inTransaction(em, async (tx) => {
      const id = await this.#update(tx, email, { disabledAt: new Date() });
      if (id) await this.#endSessions(tx, id, SessionEndReason.ACCOUNT_DISABLED);
      return id;
    });
    if (userId) await this.events.record(em, { type: 'account_disabled', userId });
    return userId !== null;
  }

  async enable(em: EntityManager, email: string): Promise<boolean> {
    const userId = await this.#update(em, email, { disabledAt: null });
    if (userId) await this.events.record(em, { type: 'account_enabled', userId });
    return userId !== null;
  }

  /** Also ends the account's sessions. */
  async resetPassword(em: EntityManager, email: string, password: string): Promise<boolean> {
    const passwordHash = await this.passwords.hash(password);
    const userId = await inTransaction(em, async (tx) => {
      const id = await this.#update(tx, email, { passwordHash });
      if (id) await this.#endSessions(tx, id, SessionEndReason.PASSWORD_CHANGED);
      // Someone else may read the mails of the account.
      if (id) await tx.nativeDelete(EmailToken, { user: id });
      return id;
    });
    if (userId) await this.events.record(em, { type: 'password_reset', userId });
    return userId !== null;
  }

  /** Returns the id of the account; null if there is none with this email. */
  async #update(em: EntityManager, email: string, change: Partial<User>): Promise<string | null> {
    const user = await em.findOne(User, toAccountFilter(email), { fields: ['id'] });
    if (!user) return null;
    const changed = await em.nativeUpdate(User, { id: user.id }, { ...change, updatedAt: new Date() });
    return changed > 0 ? user.id : null;
  }

  async #endSessions(tx: EntityManager, userId: string, endReason: SessionEndReason): Promise<void> {
    await tx.nativeUpdate(Session, { user: userId, endedAt: null }, { endedAt: new Date(), endReason });
  }
}

/** Accounts of the identity provider may have no email: their id is accepted as well. */
const toAccountFilter = (emailOrId: string): { id: string } | { emailKey: string } =>
  isId(emailOrId) ? { id: emailOrId } : { emailKey: toEmailKey(emailOrId) };
