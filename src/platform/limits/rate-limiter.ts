import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Rate } from '../config/rate.js';
import { RateLimitedError } from '../errors/api-error.js';

export interface RateLimiter {
  /**
   * Counts one request for this key.
   * @throws RateLimitedError with the seconds until the next request is allowed.
   */
  consume(key: string): Promise<void>;

  /** Forgets the requests for this key. */
  reset(key: string): Promise<void>;
}

/**
 * Creates a limiter with counters of its own, which `name` identifies. If `rate` is null, it allows everything.
 * @param onReached called with the key of the first request of a window that is refused
 */
export type CreateRateLimiter = (name: string, rate: Rate | null, onReached: (key: string) => void) => RateLimiter;

/** Counts in this process only. */
export const createRateLimiterInMemory: CreateRateLimiter = (name, rate, onReached) =>
  rate ? toRateLimiter(new RateLimiterMemory(toLimiterOptions(name, rate)), rate, onReached) : unlimited;

export const unlimited: RateLimiter = { consume: async () => {}, reset: async () => {} };

export const toLimiterOptions = (name: string, { limit, window }: Rate) => ({
  keyPrefix: name,
  points: limit,
  duration: window / 1000,
});

export function toRateLimiter(
  limiter: RateLimiterAbstract,
  { limit }: Rate,
  onReached: (key: string) => void,
): RateLimiter {
  return {
    async consume(key) {
      try {
        await limiter.consume(key);
      } catch (rejection) {
        if (!(rejection instanceof RateLimiterRes)) throw rejection;
        if (rejection.consumedPoints === limit + 1) onReached(key);
        throw new RateLimitedError(Math.max(1, Math.ceil(rejection.msBeforeNext / 1000)));
      }
    },
    async reset(key) {
      await limiter.delete(key);
    },
  };
}
