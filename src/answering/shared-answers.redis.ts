import { setTimeout as sleep } from 'node:timers/promises';
import { repeat } from '../platform/jobs/repeat.js';
import { backoff } from '../platform/lifecycle/backoff.js';
import { TaskSet } from '../platform/lifecycle/task-set.js';
import type { RedisConnection } from '../platform/redis/connection.redis.js';
import type { AnswerPart } from './answer-event.types.js';
import { AnswerMirror } from './answer-mirror.redis.js';
import { locateAnswer } from './answer-step.redis.js';
import { AnswerWriter, defineAnswerScripts, type AnswerScripts } from './answer-writer.redis.js';
import type { LiveAnswer, Progress } from './live-answer.js';
import type { FollowedAnswer, SharedAnswers } from './shared-answers.js';

/** The shortest time between two writes of one answer: tokens that arrive meanwhile are merged. */
const WRITE_INTERVAL_MS = 25;

/** Pauses after failed writes. */
const BACKOFF = { initialMs: 250, maxMs: 1_000 };

/** How often mirrored answers are checked for lost messages. */
const CHECK_INTERVAL_MS = 1_000;

/**
 * Shares answers through Redis: each delta is appended to the answer's key, for followers that come later, and
 * published on its channel, for those that listen. One mirror serves all followers of an answer at an instance.
 */
export class RedisSharedAnswers implements SharedAnswers, AsyncDisposable {
  readonly #client: AnswerScripts;
  readonly #mirrors = new Map<string, AnswerMirror>();
  readonly #writing = new TaskSet();
  readonly #checks: Disposable;

  /** @param findStreaming returns which of the given answers are still being generated, according to the database */
  constructor(
    private readonly redis: RedisConnection,
    private readonly findStreaming: (answerIds: string[]) => Promise<string[]>,
  ) {
    this.#client = defineAnswerScripts(redis.client);
    this.#checks = repeat(CHECK_INTERVAL_MS, () => this.#check());
  }

  share(live: LiveAnswer): void {
    this.#writing.add(this.#write(live));
  }

  /** Follows the answer like any slow follower: text that has not been written yet is part of the next delta. */
  async #write(live: LiveAnswer): Promise<void> {
    const writer = new AnswerWriter(this.#client, locateAnswer(this.redis, live.id));
    const { signal } = new AbortController();
    let written: Progress = { text: 0, reasoning: 0, items: 0 };
    for (let failures = 0; ;) {
      const progress = { ...written };
      const event = await live.next(progress, signal);
      if (!event) break;
      const startedAt = performance.now();
      try {
        if ('part' in event) await writer.write(event);
        else await writer.writeItem(event, progress.items);
        written = progress;
        failures = 0;
        await sleep(Math.max(0, startedAt + WRITE_INTERVAL_MS - performance.now()));
      } catch {
        // The database holds the whole text: other instances read the rest there.
        if (live.isFinished) break;
        await sleep(backoff(failures, BACKOFF));
        failures += 1;
      }
    }
    await writer.finish().catch(() => {});
  }

  follow(answerId: string): FollowedAnswer {
    const mirror = this.#getMirror(answerId);
    mirror.followers += 1;
    return {
      live: mirror.live,
      [Symbol.dispose]: () => {
        mirror.followers -= 1;
        if (mirror.followers > 0) return;
        if (this.#mirrors.get(answerId) === mirror) this.#mirrors.delete(answerId);
        void mirror[Symbol.asyncDispose]();
      },
    };
  }

  /** A mirror that is finished may still have slow followers when its answer is continued, and is then replaced. */
  #getMirror(answerId: string): AnswerMirror {
    const known = this.#mirrors.get(answerId);
    if (known && !known.live.isFinished) return known;
    // The step may be of the run before, so ask the database.
    const mirror: AnswerMirror = new AnswerMirror(answerId, this.redis, () => this.#finishAll([mirror]));
    this.#mirrors.set(answerId, mirror);
    return mirror;
  }

  async getText(answerId: string, part: AnswerPart): Promise<string | null> {
    return await this.#client.get(locateAnswer(this.redis, answerId).keys[part]).catch(() => null);
  }

  /** Redis may lose the step that finishes an answer, so ask the database as well. */
  async #check(): Promise<void> {
    // A copy: the query below does not cover mirrors that are added while it runs.
    const mirrors = [...this.#mirrors.values()];
    if (mirrors.length === 0) return;
    for (const mirror of mirrors) mirror.check();
    await this.#finishAll(mirrors);
  }

  /** Finishes those mirrors whose answers are finished according to the database. */
  async #finishAll(mirrors: readonly AnswerMirror[]): Promise<void> {
    const ids = mirrors.map(({ live }) => live.id);
    const streaming = new Set(await this.findStreaming(ids).catch(() => ids));
    for (const { live } of mirrors) if (!streaming.has(live.id)) live.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#checks[Symbol.dispose]();
    await this.#writing.idle();
  }
}
