import { repeat } from '../platform/jobs/repeat.js';
import type { RedisClient } from '../platform/redis/connect.redis.js';
import type { RedisConnection } from '../platform/redis/connection.redis.js';
import type { SharedSlots } from './answer-slots.js';

/** How long the slots of a failed instance are counted. */
const SLOT_TTL_MS = 10_000;
const RENEWAL_INTERVAL_MS = 2_000;

/** A sorted set per user: the slots by the time at which they expire. Uses the clock of Redis. */
const TAKE = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
  redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 1`;

/** Adds a slot that Redis has lost, too. */
const RENEW = `
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1`;

type SlotScripts = RedisClient & {
  parleyTakeSlot(key: string, slotId: string, limit: number, ttl: number): Promise<number>;
  parleyRenewSlot(key: string, slotId: string, ttl: number): Promise<number>;
};

/** Counts slots in Redis. While it is unreachable, each instance counts its own only. */
export class RedisSharedSlots implements SharedSlots, Disposable {
  readonly #client: SlotScripts;
  /** The user of each slot of this instance. */
  readonly #slots = new Map<string, string>();
  readonly #renewal: Disposable;

  constructor(private readonly redis: RedisConnection) {
    redis.client.defineCommand('parleyTakeSlot', { numberOfKeys: 1, lua: TAKE });
    redis.client.defineCommand('parleyRenewSlot', { numberOfKeys: 1, lua: RENEW });
    this.#client = redis.client as SlotScripts;
    this.#renewal = repeat(RENEWAL_INTERVAL_MS, () => this.#renew());
  }

  async take(userId: string, slotId: string, limit: number): Promise<boolean> {
    const taken = await this.#client.parleyTakeSlot(this.#key(userId), slotId, limit, SLOT_TTL_MS).catch(() => 1);
    if (taken === 1) this.#slots.set(slotId, userId);
    return taken === 1;
  }

  release(userId: string, slotId: string): void {
    this.#slots.delete(slotId);
    // If this fails, the slot expires.
    void this.#client.zrem(this.#key(userId), slotId).catch(() => {});
  }

  async #renew(): Promise<void> {
    const renewals = [...this.#slots].map(([slotId, userId]) =>
      this.#client.parleyRenewSlot(this.#key(userId), slotId, SLOT_TTL_MS),
    );
    await Promise.allSettled(renewals);
  }

  #key(userId: string): string {
    return `${this.redis.prefix}running:${userId}`;
  }

  [Symbol.dispose](): void {
    this.#renewal[Symbol.dispose]();
  }
}
