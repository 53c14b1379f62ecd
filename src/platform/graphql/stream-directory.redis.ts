import type { RedisConnection } from '../redis/connection.redis.js';
import { MOST_STREAMS, type StreamDirectory, type StreamState } from './stream-directory.js';

/**
 * A sorted set for each session holds its streams' tokens by when they expire, which counts them; a key for each open
 * stream holds its instance. Both go by themselves, also when an instance is lost.
 */
export class RedisStreamDirectory implements StreamDirectory {
  constructor(private readonly redis: RedisConnection) {}

  async reserve(sessionId: string, token: string, lifetime: number): Promise<boolean> {
    const key = this.#tokens(sessionId);
    const now = Date.now();
    const results = await this.redis.client
      .multi()
      .zremrangebyscore(key, '-inf', now)
      .zadd(key, now + lifetime, token)
      .zcard(key)
      // It lives as long as the longest of its streams.
      .pexpire(key, lifetime, 'NX')
      .pexpire(key, lifetime, 'GT')
      .exec();
    const [failure, count] = results![2]!;
    if (failure) throw failure;
    if ((count as number) <= MOST_STREAMS) return true;
    await this.redis.client.zrem(key, token);
    return false;
  }

  async claim(sessionId: string, token: string, instance: string, expiresAt: Date): Promise<boolean> {
    if (!(await this.#isKnown(sessionId, token))) return false;
    const key = this.#tokens(sessionId);
    const lifetime = Math.max(1, expiresAt.getTime() - Date.now());
    const claimed = await this.redis.client.set(this.#holder(sessionId, token), instance, 'PX', lifetime, 'NX');
    if (claimed !== 'OK') return false;
    await this.redis.client.multi().zadd(key, expiresAt.getTime(), token).pexpire(key, lifetime, 'GT').exec();
    return true;
  }

  async find(sessionId: string, token: string): Promise<StreamState | null> {
    const instance = await this.redis.client.get(this.#holder(sessionId, token));
    if (instance !== null) return { kind: 'open', instance };
    return (await this.#isKnown(sessionId, token)) ? { kind: 'reserved' } : null;
  }

  async release(sessionId: string, token: string): Promise<void> {
    await this.redis.client.zrem(this.#tokens(sessionId), token);
    await this.redis.client.del(this.#holder(sessionId, token));
  }

  async #isKnown(sessionId: string, token: string): Promise<boolean> {
    return Number(await this.redis.client.zscore(this.#tokens(sessionId), token)) > Date.now();
  }

  // One slot of a Cluster holds a session's keys.
  #tokens(sessionId: string): string {
    return `${this.redis.prefix}streams:{${sessionId}}`;
  }

  #holder(sessionId: string, token: string): string {
    return `${this.redis.prefix}streams:{${sessionId}}:${token}`;
  }
}
