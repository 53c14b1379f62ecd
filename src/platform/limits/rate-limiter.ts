import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Rate } from '../config/rate.js';
import { RateLimitedError } from '../errors/api-error.js';

export interface RateLimiter {
  /**
   * Counts one more of this key's.
   * @throws RateLimitedError with the seconds until there is room again.
   */
  consume(key: string): Promise<void>;
}

/** Makes the limiter of a name, which counts apart from the others; no rate is no limit at all. */
export type RateLimiters = (name: string, rate: Rate | null) => RateLimiter;

/** Counts in this process. */
export const rateLimitersInMemory: RateLimiters = (name, rate) =>
  rate ? limiterOf(new RateLimiterMemory(limiterOptions(name, rate))) : unlimited;

export const unlimited: RateLimiter = { consume: async () => {} };

export const limiterOptions = (name: string, { limit, window }: Rate) => ({
  keyPrefix: name,
  points: limit,
  duration: window / 1000,
});

export function limiterOf(limiter: RateLimiterAbstract): RateLimiter {
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
