import { randomUUID } from 'node:crypto';
import type { EntityManager } from '../platform/db/orm.js';
import { repeat } from '../platform/jobs/repeat.js';
import type { Logger } from '../platform/telemetry/log.js';
import {
  INTERRUPTED,
  LeaseLost,
  toLogIds,
  type AnswerRef,
  type AnswerRun,
  type TakeoverOutcome,
} from './answer-run.js';
import type { AnswerStore } from './answer.store.js';
import type { SharedAnswers } from './shared-answers.js';

/** How often leases are renewed and expired leases are looked up. */
const HEARTBEAT_INTERVAL_MS = 2_000;

/**
 * Leases tie each running answer to the instance that generates it. A heartbeat renews the leases of this instance and
 * saves the text so far; answers whose lease has expired are taken over from failed instances.
 */
export class AnswerLeases implements Disposable {
  /** Identifies this process as the owner of leases. */
  readonly instanceId = randomUUID();
  readonly #timers: Disposable[];

  /** @param onFinished called when an answer that was taken over is stored */
  constructor(
    private readonly services: {
      fork: () => EntityManager;
      reserved: () => EntityManager;
      store: AnswerStore;
      shared: SharedAnswers | null;
      log: Logger;
    },
    private readonly runs: ReadonlyMap<string, AnswerRun>,
    private readonly onFinished: (answer: AnswerRef, hasText: boolean) => void,
  ) {
    this.#timers = [
      repeat(HEARTBEAT_INTERVAL_MS, () => this.#renew()),
      repeat(HEARTBEAT_INTERVAL_MS, () => this.#takeOverExpired()),
    ];
  }

  /** Stores the outcome of an answer of another instance, which loses its lease. */
  async takeOver(answerId: string, outcome: TakeoverOutcome, sessionId: string | null = null): Promise<void> {
    const { fork, store, shared, log } = this.services;
    const [content = null, reasoning = null] = await Promise.all([
      shared?.getText(answerId, 'text'),
      shared?.getText(answerId, 'reasoning'),
    ]);
    const streamed = { content, reasoning };
    const taken = await store.takeOver(fork(), answerId, outcome, streamed);
    if (!taken) return;
    const { hasText, ...answer } = taken;
    log.warn({ event: 'answer', ...toLogIds(answer), ...outcome, takenOver: true }, 'Answer');
    this.onFinished({ ...answer, sessionId }, hasText);
  }

  async #renew(): Promise<void> {
    const { reserved, store, log } = this.services;
    try {
      const em = reserved();
      // A run may end, and its answer may be continued by another one, while the query runs.
      const runs = [...this.runs.values()];
      const running = runs.map(({ live: { id, text, reasoning } }) => ({ id, content: text, reasoning }));
      const renewed = new Set(await store.renewLeases(em, this.instanceId, running));
      for (const { live, abort } of runs) if (!renewed.has(live.id)) abort.abort(new LeaseLost());
    } catch (error) {
      log.error({ err: error }, 'Could not renew the leases of running answers.');
    }
  }

  async #takeOverExpired(): Promise<void> {
    const { fork, store, log } = this.services;
    try {
      for (const id of await store.findExpired(fork())) {
        await this.takeOver(id, INTERRUPTED).catch((error: unknown) =>
          log.error({ err: error, answerId: id }, 'Could not take over an answer with an expired lease.'),
        );
      }
    } catch (error) {
      log.error({ err: error }, 'Could not look up answers with expired leases.');
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }
}
