import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { RedisConnection } from '../redis/connection.redis.js';
import { limiterOf, limiterOptions, unlimited, type RateLimiters } from './rate-limiter.js';

/** Counts for all instances together. While Redis is out of reach each counts for itself: that is better than no limit. */
export function rateLimitersInRedis({ client, prefix }: RedisConnection): RateLimiters {
  return (name, rate) => {
    if (!rate) return unlimited;
    const options = limiterOptions(name, rate);
    return limiterOf(
      new RateLimiterRedis({
        ...options,
        keyPrefix: `${prefix}limit:${name}`,
        storeClient: client,
        rejectIfRedisNotReady: true,
        insuranceLimiter: new RateLimiterMemory(options),
      }),
    );
  };
}
