import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { RedisConnection } from '../redis/connection.redis.js';
import { toLimiterOptions, toRateLimiter, unlimited, type CreateRateLimiter } from './rate-limiter.js';

/** Counts for all instances together. While Redis is unreachable, each instance counts for itself. */
export function createRateLimitersInRedis({ client, prefix }: RedisConnection): CreateRateLimiter {
  return (name, rate, onReached) => {
    if (!rate) return unlimited;
    const options = toLimiterOptions(name, rate);
    return toRateLimiter(
      new RateLimiterRedis({
        ...options,
        keyPrefix: `${prefix}limit:${name}`,
        storeClient: client,
        rejectIfRedisNotReady: true,
        insuranceLimiter: new RateLimiterMemory(options),
      }),
      rate,
      onReached,
    );
  };
}
