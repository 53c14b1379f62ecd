import { setTimeout as sleep } from 'node:timers/promises';
import { conversationChanged, ConversationUpdateType } from '../conversations/conversation.topics.js';
import type { MetadataService } from '../memory/metadata.service.js';
import type { PromptService } from '../memory/prompt.service.js';
import { MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/orm.js';
import { UnavailableError } from '../platform/errors/api-error.js';
import { retry } from '../platform/lifecycle/retry.js';
import { TaskSet } from '../platform/lifecycle/task-set.js';
import { waitAtMost } from '../platform/lifecycle/wait-at-most.js';
import type { ChatModel } from '../platform/model/chat-model.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { Logger } from '../platform/telemetry/log.js';
import type { Metrics } from '../platform/telemetry/metrics.js';
import { ToolCallChanged, type AnswerItem, type AnswerPart } from './answer-event.types.js';
import { AnswerGenerator } from './answer-generator.js';
import { AnswerLeases } from './answer-leases.js';
import {
  LeaseLost,
  ServerEnding,
  STOPPED,
  StopRequested,
  toLogIds,
  type AnswerRef,
  type AnswerRun,
  type Outcome,
  type PendingAnswer,
} from './answer-run.js';
import type { AnswerStore } from './answer.store.js';
import { LiveAnswer } from './live-answer.js';
import type { SharedAnswers } from './shared-answers.js';
import type { Toolbox } from './toolbox.js';

/** How often the database is asked whether another instance has finished an answer. */
const POLL_INTERVAL_MS = 250;

/** How long storing an outcome is retried while the database refuses it; the heartbeat keeps the lease meanwhile. */
const STORE_TIMEOUT_MS = 5 * 60_000;
const STORE_TIMEOUT_WHEN_ENDING_MS = 5_000;
const STORE_BACKOFF = { initialMs: 100, maxMs: 2_000 };

/**
 * - `running`: accepts answers.
 * - `draining`: refuses new answers; those in progress continue for the grace period.
 * - `ending`: runs are interrupted, and storing their outcomes has a short timeout.
 */
type EngineState = 'running' | 'draining' | 'ending';

/** Generates answers, independently of the requests that asked for them. */
export class AnswerEngine implements AsyncDisposable {
  readonly #runs = new Map<string, AnswerRun>();
  /** Runs and reservations: what draining waits for. */
  readonly #tasks = new TaskSet();
  readonly #generator: AnswerGenerator;
  readonly #leases: AnswerLeases;
  #state: EngineState = 'running';

  constructor(
    private readonly services: {
      fork: () => EntityManager;
      /** For the heartbeat, which must not wait for a connection behind requests. */
      reserved: () => EntityManager;
      model: ChatModel;
      prompts: PromptService;
      toolbox: Toolbox;
      store: AnswerStore;
      /** Null with a single instance. */
      shared: SharedAnswers | null;
      metadata: MetadataService;
      bus: Bus;
      metrics: Metrics;
      log: Logger;
    },
  ) {
    this.#leases = new AnswerLeases(services, this.#runs, (answer, hasText) => this.#announceFinished(answer, hasText));
    this.#generator = new AnswerGenerator(services, this.instanceId);
  }

  /** The owner of the leases of this engine's answers. */
  get instanceId(): string {
    return this.#leases.instanceId;
  }

  /** The number of answers that this instance is generating. */
  get runCount(): number {
    return this.#runs.size;
  }

  get isDraining(): boolean {
    return this.#state !== 'running';
  }

  /**
   * Reserves a place for an answer that is about to be stored and started; draining waits until it is disposed of.
   * @throws UnavailableError while the server shuts down.
   */
  reserve(): Disposable {
    if (this.isDraining) throw new UnavailableError();
    return this.#tasks.open();
  }

  /**
   * Starts to generate an answer that was stored with a lease of this instance.
   * @param onFirstText called when the first text arrives; it must not throw
   * @returns a promise that resolves when the outcome is stored
   */
  start(answer: PendingAnswer, onFirstText?: () => void): Promise<void> {
    const live = new LiveAnswer(answer.id, answer.beginning, onFirstText);
    const abort = new AbortController();
    const run: AnswerRun = { ...answer, live, abort, finished: this.#run(live, answer, abort) };
    this.#runs.set(answer.id, run);
    this.#tasks.add(run.finished);
    this.services.shared?.share(live);
    // The answer was being stored while the other runs were interrupted.
    if (this.#state === 'ending') abort.abort(new ServerEnding());
    return run.finished;
  }

  /** Stops an answer if this instance generates it: the provider's call is aborted, and the text so far is kept. */
  stop(answerId: string, sessionId: string): void {
    this.#runs.get(answerId)?.abort.abort(new StopRequested(sessionId));
  }

  /** Stops an answer whose instance does not react: takes away its lease. */
  async forceStop(answerId: string, sessionId: string): Promise<void> {
    await this.#leases.takeOver(answerId, STOPPED, sessionId);
  }

  /** Aborts the runs of a deleted account or conversation: their outcomes cannot be stored any more. */
  abandon(deleted: { ownerId: string } | { conversationId: string }): void {
    for (const run of this.#runs.values()) {
      const isDeleted =
        'ownerId' in deleted ? run.ownerId === deleted.ownerId : run.conversationId === deleted.conversationId;
      if (isDeleted) run.abort.abort(new LeaseLost());
    }
  }

  /** Gives the runs of a guest to the account that has claimed it. */
  changeOwner(guestId: string, userId: string): void {
    for (const run of this.#runs.values()) if (run.ownerId === guestId) run.ownerId = userId;
  }

  /** Returns the live answer if this instance generates it. */
  getLive(answerId: string): LiveAnswer | null {
    return this.#runs.get(answerId)?.live ?? null;
  }

  /** Returns the owner of an answer that this instance generates; null for any other. */
  getOwner(answerId: string): string | null {
    return this.#runs.get(answerId)?.ownerId ?? null;
  }

  /**
   * Returns the longest known text, or reasoning, of an answer that this or another instance generates.
   * @param saved what the database holds
   */
  async getText(id: string, part: AnswerPart, saved: string): Promise<string> {
    const text = this.getLive(id)?.[part] ?? (await this.services.shared?.getText(id, part)) ?? '';
    return text.length > saved.length ? text : saved;
  }

  /**
   * Resolves when the outcome of the answer is stored, whichever instance generates it.
   * @param timeoutMs applies to the run of this instance, and then again to that of another one
   */
  async waitUntilFinished(answerId: string, timeoutMs = Infinity): Promise<void> {
    const finished = this.#runs.get(answerId)?.finished;
    if (finished) await (timeoutMs === Infinity ? finished : waitAtMost(timeoutMs, finished));
    const { fork, store } = this.services;
    for (let waited = 0; waited < timeoutMs && (await store.isStreaming(fork(), answerId)); waited += POLL_INTERVAL_MS)
      await sleep(POLL_INTERVAL_MS);
  }

  /** Refuses new answers, lets those in progress continue for up to `graceMs`, and interrupts the rest. */
  async drain(graceMs: number): Promise<void> {
    if (this.#state === 'running') this.#state = 'draining';
    await waitAtMost(graceMs, this.#tasks.idle());
    await this.#interruptRuns();
  }

  /** Interrupts all runs. Their answers are stored as INTERRUPTED with the text so far. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#interruptRuns();
    this.#leases[Symbol.dispose]();
  }

  async #interruptRuns(): Promise<void> {
    this.#state = 'ending';
    for (const { abort } of this.#runs.values()) abort.abort(new ServerEnding());
    while (this.#runs.size > 0) await Promise.allSettled([...this.#runs.values()].map(({ finished }) => finished));
  }

  async #run(live: LiveAnswer, answer: PendingAnswer, abort: AbortController): Promise<void> {
    const { log } = this.services;
    const startedAt = performance.now();
    try {
      const outcome = await this.#generator.generate(answer, live, abort);
      const { reason } = abort.signal as { reason: unknown };
      const sessionId = reason instanceof StopRequested ? reason.sessionId : answer.sessionId;
      const ownerId = await this.#store(live, answer, outcome);
      this.#log(answer, outcome, live, { startedAt, isStored: ownerId !== null });
      if (ownerId !== null) this.#announceFinished({ ...answer, ownerId, sessionId }, live.text !== '');
    } catch (error) {
      // The lease expires, and another heartbeat stores the answer as INTERRUPTED with the text that was saved.
      log.error({ err: error, ...toLogIds(answer) }, 'Could not store an answer.');
    } finally {
      // The answer may be continued already.
      if (this.#runs.get(live.id)?.live === live) this.#runs.delete(live.id);
      live.finish();
    }
  }

  /** Logs a line for each answer, without its text. An answer whose lease was lost is stored and logged elsewhere. */
  #log(
    answer: PendingAnswer,
    { status, errorCode, finishReason, model, cost }: Outcome,
    { firstTextAt, items }: LiveAnswer,
    { startedAt, isStored }: { startedAt: number; isStored: boolean },
  ): void {
    const line = {
      event: 'answer',
      ...toLogIds(answer),
      model,
      status,
      errorCode,
      finishReason,
      ...cost,
      ...countItems(items),
      firstTextMs: firstTextAt === null ? null : Math.round(firstTextAt - startedAt),
      durationMs: Math.round(performance.now() - startedAt),
    };
    if (!isStored) this.services.log.warn(line, 'Answer not stored: its lease was lost.');
    else this.services.log[status === MessageStatus.FAILED ? 'warn' : 'info'](line, 'Answer');
  }

  /** Stores the outcome. Returns the owner of the conversation; null if the lease was lost. */
  async #store(
    live: LiveAnswer,
    { conversationId, beginning }: PendingAnswer,
    outcome: Outcome,
  ): Promise<string | null> {
    const { fork, store, log } = this.services;
    live.complete();
    const { id, text: content, reasoning } = live;
    const answer = {
      id,
      conversationId,
      leaseOwner: this.instanceId,
      content,
      reasoning,
      hasToolCalls: live.items.some((item) => item instanceof ToolCallChanged),
      earlierCost: beginning?.cost ?? null,
    };
    const startedAt = Date.now();
    return await retry(() => store.finish(fork(), answer, outcome), {
      ...STORE_BACKOFF,
      onFailure: (error) => {
        const timeout = this.#state === 'ending' ? STORE_TIMEOUT_WHEN_ENDING_MS : STORE_TIMEOUT_MS;
        if (Date.now() - startedAt > timeout) throw error;
        log.warn({ err: error, answerId: live.id }, 'Could not store an answer; retrying.');
      },
    });
  }

  /** Call after the outcome of the answer is committed. */
  #announceFinished(answer: AnswerRef, hasText: boolean): void {
    const { id: messageId, conversationId, ownerId, sessionId } = answer;
    const { metadata, bus } = this.services;
    const type = ConversationUpdateType.ANSWER_FINISHED;
    bus.publish(conversationChanged, { type, ownerId, conversationId, messageId, sessionId: sessionId ?? undefined });
    if (hasText) metadata.onExchangeFinished(toLogIds(answer));
  }
}

/** For the log. */
function countItems(items: readonly AnswerItem[]): { toolCalls?: number; products?: number } {
  const toolCalls = items.filter((item) => item instanceof ToolCallChanged).length;
  const products = items.length - toolCalls;
  return { ...(toolCalls > 0 ? { toolCalls } : {}), ...(products > 0 ? { products } : {}) };
}
