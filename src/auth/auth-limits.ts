import type { RateLimiter } from '../platform/limits/rate-limiter.js';
import { emailKey } from './email.js';

/** How often somebody may try to get in. Counted for each field, so that aliases in one request don't get round it. */
export class AuthLimits {
  constructor(
    private readonly perAddress: RateLimiter,
    private readonly perEmail: RateLimiter,
  ) {}

  /** @throws RateLimitedError */
  attempt(address: string): Promise<void> {
    return this.perAddress.consume(address);
  }

  /**
   * An attempt to name the password of an account, from wherever.
   * @throws RateLimitedError
   */
  guess(email: string): Promise<void> {
    return this.perEmail.consume(emailKey(email));
  }
}
