import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { ForbiddenError, UnauthenticatedError, UnavailableError } from '../platform/errors/api-error.js';
import { AccountDisabledError, EmailNotVerifiedError, LinkInvalidError } from './auth.errors.js';
import type { AuthLimits } from './auth-limits.js';
import type { AuthPayload, ResetPasswordInput } from './auth.types.js';
import { assertEmail, toEmailKey } from './email.js';
import { EmailToken } from './email-token.entity.js';
import { findByEmailToken, useEmailToken } from './email-tokens.js';
import { pickLanguage } from './languages.js';
import type { Outbox } from './outbox.js';
import { assertStrong } from './password-strength.js';
import type { Passwords } from './passwords.js';
import { toEventOrigin, type SecurityEvents } from './security-events.js';
import { SessionEndReason } from './session.entity.js';
import type { SessionService } from './session.service.js';
import { User } from './user.entity.js';
import type { Client, Viewer } from './viewer.js';

/** What users do with links in mails: set a forgotten password, and verify their email. */
export class EmailLinkService {
  constructor(
    private readonly services: {
      passwords: Passwords;
      sessions: SessionService;
      limits: AuthLimits;
      events: SecurityEvents;
      /** Null if mails cannot be sent. */
      outbox: Outbox | null;
      verification: 'off' | 'optional' | 'required';
    },
  ) {}

  /**
   * Sends a link for a new password if an account has this email. The response and its time do not tell whether one has.
   * @throws UnavailableError if mails cannot be sent.
   * @throws BadUserInputError if it is not a valid email address.
   * @throws RateLimitedError
   */
  async requestPasswordReset(em: EntityManager, email: string, client: Client): Promise<void> {
    const outbox = this.#getOutbox();
    const { limits } = this.services;
    await limits.countAttempt(client.address);
    assertEmail(email);
    const emailKey = toEmailKey(email);
    await limits.countMail(emailKey, client.address);
    await this.#send(em, outbox, 'password-reset', emailKey, client);
  }

  /**
   * Sets a new password with the token of a link, verifies the email, ends all sessions and starts one.
   * @throws LinkInvalidError if the token is unknown, replaced, used or expired.
   * @throws BadUserInputError if the password is easy to guess; the token can then be used again.
   * @throws AccountDisabledError, RateLimitedError
   */
  async resetPassword(
    em: EntityManager,
    { token, newPassword }: ResetPasswordInput,
    client: Client,
  ): Promise<AuthPayload> {
    const { passwords, sessions, limits, events, outbox } = this.services;
    await limits.countAttempt(client.address);
    const user = await findByEmailToken(em, 'password-reset', token);
    if (!user) throw new LinkInvalidError();
    if (user.disabledAt) throw new AccountDisabledError();
    const { id, email, emailKey, name } = user;
    const passwordHash = await passwords.hash(newPassword, client, () =>
      assertStrong('newPassword', newPassword, [email, name]),
    );
    const [payload, ended] = await inTransaction(em, async (tx) => {
      if (!(await useEmailToken(tx, token))) throw new LinkInvalidError();
      const now = new Date();
      // Before the sessions are ended: a concurrent login with the old password holds the row, or fails.
      const changes = { passwordHash, emailVerifiedAt: user.emailVerifiedAt ?? now, updatedAt: now };
      if ((await tx.nativeUpdate(User, { id, disabledAt: null }, changes)) === 0) throw new LinkInvalidError();
      await tx.nativeDelete(EmailToken, { user: id });
      const others = await sessions.endAll(tx, id, SessionEndReason.PASSWORD_RESET);
      outbox?.add(tx, 'password-changed', emailKey!, this.#pickLanguage(outbox, client));
      return [sessions.start(tx, await tx.findOneOrFail(User, { id }), client), others] as const;
    });
    outbox?.send();
    const from = toEventOrigin(client);
    await limits.resetLogins(emailKey!, client.address);
    await events.record(em, { type: 'password_reset', userId: id, ...from });
    await sessions.announceEnded(em, ended, from);
    return payload;
  }

  /**
   * Sends a link that verifies the viewer's email. Does nothing if it is verified.
   * @throws ForbiddenError if emails are not verified here, or if the viewer has none.
   * @throws UnavailableError if mails cannot be sent.
   * @throws RateLimitedError
   */
  async requestVerification(em: EntityManager, viewer: Viewer): Promise<void> {
    const { limits, verification } = this.services;
    if (verification === 'off') throw new ForbiddenError('This server does not verify emails.');
    const outbox = this.#getOutbox();
    const user = await em.findOne(User, { id: viewer.userId });
    if (!user) throw new UnauthenticatedError('This account no longer exists.');
    if (user.emailKey === null) throw new ForbiddenError('You have no email; register or sign in with one.');
    if (user.emailVerifiedAt) return;
    await limits.countMail(user.emailKey, viewer.address);
    await this.#send(em, outbox, 'email-verification', user.emailKey, viewer);
  }

  /**
   * Verifies an email with the token of a link.
   * @throws LinkInvalidError if the token is unknown, replaced, used or expired.
   * @throws RateLimitedError
   */
  async verifyEmail(em: EntityManager, token: string, client: Client): Promise<User> {
    const { limits, events } = this.services;
    await limits.countAttempt(client.address);
    const user = await inTransaction(em, async (tx) => {
      const found = await findByEmailToken(tx, 'email-verification', token);
      if (!found || !(await useEmailToken(tx, token))) throw new LinkInvalidError();
      found.emailVerifiedAt ??= new Date();
      return found;
    });
    await events.record(em, { type: 'email_verified', userId: user.id, ...toEventOrigin(client) });
    return user;
  }

  /**
   * Checks whether the viewer may ask, as far as it depends on the email. Guests have none.
   * @throws EmailNotVerifiedError
   */
  async assertVerified(em: EntityManager, { userId }: Viewer): Promise<void> {
    if (this.services.verification !== 'required') return;
    // Read each time: the email may have been verified on another device.
    const verified = await em.fork().count(User, { id: userId, emailVerifiedAt: { $ne: null } });
    if (verified === 0) throw new EmailNotVerifiedError();
  }

  /** Deletes tokens that were not used in time. Returns the number of deleted rows. */
  cleanUp(em: EntityManager): Promise<number> {
    return em.nativeDelete(EmailToken, { expiresAt: { $lt: new Date() } });
  }

  async #send(
    em: EntityManager,
    outbox: Outbox,
    kind: 'password-reset' | 'email-verification',
    emailKey: string,
    client: Client,
  ): Promise<void> {
    await inTransaction(em, async (tx) => outbox.add(tx, kind, emailKey, this.#pickLanguage(outbox, client)));
    // Later, so that sending does not delay the response.
    setImmediate(() => outbox.send());
  }

  #pickLanguage({ languages }: Outbox, { acceptLanguage }: Client): string {
    return pickLanguage(acceptLanguage, languages);
  }

  #getOutbox(): Outbox {
    const { outbox } = this.services;
    if (!outbox) throw new UnavailableError('This server cannot send mails; contact its operator.');
    return outbox;
  }
}
