import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Rate } from '../config/rate.js';
import { RateLimitedError } from '../errors/api-error.js';

export interface RateLimiter {
  /**
   * Counts one more of this key's.
   * @throws RateLimitedError with the seconds until there is room again.
   */
  consume(key: string): Promise<void>;
}

/** Counts in this process; null is no limit at all. */
export function createRateLimiter(name: string, rate: Rate | null): RateLimiter {
  if (!rate) return { consume: async () => {} };
  const limiter = new RateLimiterMemory({ keyPrefix: name, points: rate.limit, duration: rate.window / 1000 });
  return {
    async consume(key) {
      try {
        await limiter.consume(key);
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        throw new RateLimitedError(Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)));
      }
    },
  };
}
