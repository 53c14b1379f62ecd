import type { RedisClient } from '../platform/redis/connect.redis.js';
import { ProductShown, type AnswerItem, type AnswerPart, type Delta } from './answer-event.types.js';
import type { AnswerLocation, AnswerStep, ItemState } from './answer-step.redis.js';

/** How long Redis keeps a text after its last token. */
const TEXT_TTL_MS = 60 * 60_000;

/** How long Redis keeps a text after the answer is finished. */
const FINISHED_TEXT_TTL_MS = 60_000;

/**
 * Appends to the text and publishes the step, if the text has the length in bytes that its writer expects; returns 0
 * otherwise. The text is shorter if Redis has lost it, and longer if a write succeeded but its reply was lost.
 */
const APPEND = `
  if redis.call('STRLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
  redis.call('APPEND', KEYS[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('SPUBLISH', KEYS[2], ARGV[4])
  return 1`;

/** Replaces the text and publishes the step. */
const REPLACE = `
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  redis.call('SPUBLISH', KEYS[2], ARGV[3])
  return 1`;

/** Stores the state of an item and publishes the step. */
const SET_ITEM = `
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('SPUBLISH', KEYS[2], ARGV[4])
  return 1`;

export type AnswerScripts = RedisClient & {
  parleyAppend(key: string, channel: string, length: number, text: string, ttl: number, step: string): Promise<number>;
  parleyReplace(key: string, channel: string, text: string, ttl: number, step: string): Promise<number>;
  parleySetItem(key: string, channel: string, id: string, item: string, ttl: number, step: string): Promise<number>;
};

export function defineAnswerScripts(client: RedisClient): AnswerScripts {
  client.defineCommand('parleyAppend', { numberOfKeys: 2, lua: APPEND });
  client.defineCommand('parleyReplace', { numberOfKeys: 2, lua: REPLACE });
  client.defineCommand('parleySetItem', { numberOfKeys: 2, lua: SET_ITEM });
  return client as AnswerScripts;
}

/** Writes one answer to Redis, one round trip for each delta. */
export class AnswerWriter {
  /** The lengths of the texts in Redis in bytes; null if one is unknown because a write failed. */
  readonly #lengths: Record<AnswerPart, number | null> = { text: 0, reasoning: 0 };

  constructor(
    private readonly client: AnswerScripts,
    private readonly location: AnswerLocation,
  ) {}

  /** @throws Error if Redis is unreachable. */
  async write({ part, offset, text, textSoFar }: Delta): Promise<void> {
    const { keys, channel } = this.location;
    const piece = { offset, text };
    const step = JSON.stringify((part === 'text' ? piece : { reasoning: piece }) satisfies AnswerStep);
    const length = this.#lengths[part];
    this.#lengths[part] = null;
    const isAppended =
      length !== null && (await this.client.parleyAppend(keys[part], channel, length, text, TEXT_TTL_MS, step)) === 1;
    if (!isAppended) await this.client.parleyReplace(keys[part], channel, textSoFar, TEXT_TTL_MS, step);
    this.#lengths[part] = isAppended ? length + Buffer.byteLength(text) : Buffer.byteLength(textSoFar);
  }

  /** @throws Error if Redis is unreachable. */
  async writeItem(changed: AnswerItem, revision: number): Promise<void> {
    const { keys, channel } = this.location;
    const { id } = changed;
    const item: ItemState =
      changed instanceof ProductShown
        ? { revision, mention: changed.mention }
        : { revision, toolCall: changed.toolCall };
    const step = JSON.stringify({ item } satisfies AnswerStep);
    await this.client.parleySetItem(keys.items, channel, id, JSON.stringify(item), TEXT_TTL_MS, step);
  }

  /** @throws Error if Redis is unreachable. */
  async finish(): Promise<void> {
    const { keys, channel } = this.location;
    await this.client.spublish(channel, JSON.stringify({ finished: true } satisfies AnswerStep));
    for (const key of Object.values(keys)) await this.client.pexpire(key, FINISHED_TEXT_TTL_MS);
  }
}
