import type { RateLimiter } from '../platform/limits/rate-limiter.js';
import { toEmailKey } from './email.js';

/** Rate limits for authentication. Each field counts separately, so aliases in one request cannot bypass the limit. */
export class AuthLimits {
  constructor(
    private readonly limiters: {
      perAddress: RateLimiter;
      perEmail: RateLimiter;
      /** From the shortest to the longest window, so that repeated failures have to wait longer and longer. */
      perEmailAndAddress: readonly RateLimiter[];
      confirmations: RateLimiter;
      registrationsPerAddress: RateLimiter;
      registrations: RateLimiter;
      guestsPerAddress: RateLimiter;
      mailsPerAddress: RateLimiter;
      mailsPerEmail: RateLimiter;
    },
  ) {}

  /**
   * Counts an authentication attempt from a client IP address.
   * @throws RateLimitedError
   */
  countAttempt(address: string): Promise<void> {
    return this.limiters.perAddress.consume(address);
  }

  /**
   * Counts a login. Logins from addresses that the account has not signed in from are also limited in all, but they
   * cannot lock out its owner.
   * @throws RateLimitedError
   */
  async countLogin(email: string, address: string, { isKnown }: { isKnown: boolean }): Promise<void> {
    for (const limiter of this.limiters.perEmailAndAddress) await limiter.consume(toPairKey(email, address));
    if (!isKnown) await this.limiters.perEmail.consume(toEmailKey(email));
  }

  /** Forgets the failed logins from this address. Call it after a successful login. */
  async resetLogins(email: string, address: string): Promise<void> {
    for (const limiter of this.limiters.perEmailAndAddress) await limiter.reset(toPairKey(email, address));
  }

  /**
   * Counts a password that a signed-in user gives to confirm an operation.
   * @throws RateLimitedError
   */
  countConfirmation(userId: string): Promise<void> {
    return this.limiters.confirmations.consume(userId);
  }

  /**
   * Counts a new account.
   * @throws RateLimitedError
   */
  async countRegistration(address: string): Promise<void> {
    await this.limiters.registrationsPerAddress.consume(address);
    await this.limiters.registrations.consume('all');
  }

  /**
   * Counts a mail, whether or not an account has the email.
   * @throws RateLimitedError
   */
  async countMail(emailKey: string, address: string): Promise<void> {
    await this.limiters.mailsPerAddress.consume(address);
    await this.limiters.mailsPerEmail.consume(emailKey);
  }

  /**
   * Counts a new guest.
   * @throws RateLimitedError
   */
  countGuest(address: string): Promise<void> {
    return this.limiters.guestsPerAddress.consume(address);
  }
}

const toPairKey = (email: string, address: string): string => `${toEmailKey(email)} ${address}`;
