import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerDelta } from './answer-events.js';
import type { RedisClient, RedisConnection } from '../platform/redis/connection.redis.js';
import { repeat } from '../platform/jobs/repeat.js';
import { LiveAnswer } from './live-answer.js';
import type { FollowedAnswer, SharedAnswers } from './shared-answers.js';

/** The least time between two writes of one answer, in milliseconds: what comes meanwhile is merged. */
const MERGE = 25;

/** After a write that failed. */
const PAUSE = 500;

/** How often an answer that says nothing is looked at again: a message may have been lost. */
const CHECK = 1_000;

/** How long a text is kept after its last token, and after its end, in milliseconds. */
const KEPT = 60 * 60_000;
const KEPT_AFTER_THE_END = 60_000;

/** A step, or the end of an answer. Offsets are UTF-16 code units. */
type Step = { offset: number; text: string } | { ended: true };

/** One slot of a Cluster holds an answer's key and its channel. */
const namesOf = ({ prefix }: RedisConnection, answerId: string): { key: string; channel: string } => ({
  key: `${prefix}answer:{${answerId}}`,
  channel: `${prefix}answer:{${answerId}}:steps`,
});

/**
 * Appends to the text and publishes the step, if the text is as long as its writer thinks, in bytes; 0 if not. It may
 * be shorter because Redis has lost it, and longer because a write was carried out whose reply never came.
 */
const APPEND = `
  if redis.call('STRLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
  redis.call('APPEND', KEYS[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('SPUBLISH', KEYS[2], ARGV[4])
  return 1`;

/** Puts the whole text in the place of whatever is there, and publishes the step. */
const REPLACE = `
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  redis.call('SPUBLISH', KEYS[2], ARGV[3])
  return 1`;

type Scripts = RedisClient & {
  parleyAppend(key: string, channel: string, length: number, text: string, kept: number, step: string): Promise<number>;
  parleyReplace(key: string, channel: string, whole: string, kept: number, step: string): Promise<number>;
};

/**
 * Each step of a live answer goes to Redis in one round trip, APPEND and PUBLISH: the key is for who comes later, the
 * channel for who listens. A follower's instance listens first, then reads the key, and puts both together by offset,
 * so an overlap is harmless and a gap is seen. One mirror serves all of an instance's followers.
 */
export class RedisSharedAnswers implements SharedAnswers, AsyncDisposable {
  readonly #client: Scripts;
  readonly #mirrors = new Map<string, Mirror>();
  readonly #writing = new Set<Promise<void>>();
  readonly #checks: Disposable;

  /** @param areRunning which of these answers are still being generated, as the database has it */
  constructor(
    private readonly redis: RedisConnection,
    private readonly areRunning: (answerIds: string[]) => Promise<string[]>,
  ) {
    redis.client.defineCommand('parleyAppend', { numberOfKeys: 2, lua: APPEND });
    redis.client.defineCommand('parleyReplace', { numberOfKeys: 2, lua: REPLACE });
    this.#client = redis.client as Scripts;
    this.#checks = repeat(CHECK, () => this.#check());
  }

  share(live: LiveAnswer): void {
    const writing = this.#write(live).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** The writer is one more follower, and a slow one: what it has not managed to send yet comes with the next. */
  async #write(live: LiveAnswer): Promise<void> {
    const writer = new Writer(this.#client, namesOf(this.redis, live.id));
    const { signal } = new AbortController();
    let offset = 0;
    for (let delta = await live.next(offset, signal); delta; delta = await live.next(offset, signal)) {
      const began = performance.now();
      const written = await writer.write(delta).catch(() => false);
      if (written) offset = delta.end;
      // It is stored: nobody needs the rest from here.
      else if (live.hasEnded) break;
      await sleep(written ? Math.max(0, began + MERGE - performance.now()) : PAUSE);
    }
    await writer.end().catch(() => {});
  }

  follow(answerId: string): FollowedAnswer {
    let mirror = this.#mirrors.get(answerId);
    if (!mirror) this.#mirrors.set(answerId, (mirror = new Mirror(answerId, this.redis)));
    mirror.followers += 1;
    return {
      live: mirror.live,
      [Symbol.dispose]: () => {
        mirror.followers -= 1;
        if (mirror.followers > 0) return;
        this.#mirrors.delete(answerId);
        void mirror[Symbol.asyncDispose]();
      },
    };
  }

  async textOf(answerId: string): Promise<string | null> {
    return await this.#client.get(namesOf(this.redis, answerId).key).catch(() => null);
  }

  /** Redis may lose the last word, so the database is asked as well. */
  async #check(): Promise<void> {
    // As they are now: of those that join while the database is being asked, it has not been asked.
    const mirrors = [...this.#mirrors.values()];
    if (mirrors.length === 0) return;
    for (const mirror of mirrors) mirror.check();
    const ids = mirrors.map(({ live }) => live.id);
    const running = new Set(await this.areRunning(ids).catch(() => ids));
    for (const { live } of mirrors) if (!running.has(live.id)) live.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#checks[Symbol.dispose]();
    await Promise.all(this.#writing);
  }
}

class Writer {
  /** How long the text in Redis is, in bytes; null where that is not sure. */
  #length: number | null = 0;

  constructor(
    private readonly client: Scripts,
    private readonly names: { key: string; channel: string },
  ) {}

  /** True once it is there. @throws Error while Redis is out of reach. */
  async write({ offset, text, textSoFar }: AnswerDelta): Promise<true> {
    const { key, channel } = this.names;
    const step = JSON.stringify({ offset, text } satisfies Step);
    const length = this.#length;
    this.#length = null;
    if (length !== null && (await this.client.parleyAppend(key, channel, length, text, KEPT, step)) === 1) {
      this.#length = length + Buffer.byteLength(text);
      return true;
    }
    await this.client.parleyReplace(key, channel, textSoFar, KEPT, step);
    this.#length = Buffer.byteLength(textSoFar);
    return true;
  }

  async end(): Promise<void> {
    await this.client.spublish(this.names.channel, JSON.stringify({ ended: true } satisfies Step));
    await this.client.pexpire(this.names.key, KEPT_AFTER_THE_END);
  }
}

/** The copy of an answer that another instance generates. */
class Mirror implements AsyncDisposable {
  readonly live: LiveAnswer;
  followers = 0;
  readonly #key: string;
  readonly #channel: Promise<AsyncDisposable>;
  /** The length of its text as Redis counts, in bytes. */
  #length = 0;
  #heard = true;
  #reading = false;
  /** Something came while it was reading that the answer to that may not have. */
  #missed = false;

  constructor(
    id: string,
    private readonly redis: RedisConnection,
  ) {
    this.live = new LiveAnswer(id);
    const { key, channel } = namesOf(redis, id);
    this.#key = key;
    this.#channel = redis.channels.listen(channel, (text) => this.#hear(JSON.parse(text) as Step));
    void this.#channel.then(() => this.#read());
  }

  /** Looks at what is there if nothing was heard for a while. */
  check(): void {
    if (!this.#heard) void this.#read();
    this.#heard = false;
  }

  #hear(step: Step): void {
    this.#heard = true;
    if ('ended' in step) void this.#read().then(() => this.live.end());
    else if (step.offset <= this.live.text.length) this.#add(step.offset, step.text);
    else void this.#read();
  }

  #add(offset: number, text: string): void {
    const news = text.slice(this.live.text.length - offset);
    if (news !== '') this.live.append(news);
    this.#length += Buffer.byteLength(news);
  }

  /** Reads what is missing. */
  async #read(): Promise<void> {
    this.#missed = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#missed) {
      this.#missed = false;
      const offset = this.live.text.length;
      const rest = await this.redis.client.getrange(this.#key, this.#length, -1).catch(() => '');
      this.#add(offset, rest);
    }
    this.#reading = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#channel)[Symbol.asyncDispose]();
  }
}
