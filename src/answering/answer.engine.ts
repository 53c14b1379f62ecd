import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PromptService } from '../memory/prompt.service.js';
import { Message } from '../messages/message.entity.js';
import { AnswerErrorCode, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/database.js';
import { ModelError, type ChatModel, type CompletionUsage } from '../platform/model/chat-model.js';
import type { Logger } from '../platform/telemetry/log.js';
import type { AnswerStore } from './answer.store.js';
import { LiveAnswer } from './live-answer.js';

/** How often running answers renew their lease and save their text, in milliseconds. */
const HEARTBEAT = 2_000;

/** How long the last write is tried, with growing pauses, while the database refuses it. */
const WRITE_PAUSES = [50, 200, 500, 1_000, 2_000];

/** How a run ended, as it is stored. */
export interface Outcome {
  status: MessageStatus;
  errorCode: AnswerErrorCode | null;
  model: string | null;
  usage: CompletionUsage | null;
}

interface Run {
  ownerId: string;
  live: LiveAnswer;
  abort: AbortController;
  /** Settles when the outcome is stored and the followers are let go. */
  ended: Promise<void>;
}

/**
 * Generates answers, detached from the requests that asked for them. While it waits for the provider it holds neither
 * a transaction nor an EntityManager.
 */
export class AnswerEngine implements AsyncDisposable {
  /** Names this process in the leases of its answers. */
  readonly instanceId = randomUUID();
  readonly #runs = new Map<string, Run>();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(
    private readonly services: {
      fork: () => EntityManager;
      model: ChatModel;
      prompts: PromptService;
      store: AnswerStore;
      log: Logger;
    },
  ) {
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT);
    this.#heartbeat.unref();
  }

  /** Begins to generate an answer that was stored with this instance's lease. */
  start(answerId: string, ownerId: string): void {
    const live = new LiveAnswer(answerId);
    const abort = new AbortController();
    this.#runs.set(answerId, { ownerId, live, abort, ended: this.#run(live, abort.signal) });
  }

  /** The answer, if it is being generated here. */
  live(answerId: string): LiveAnswer | null {
    return this.#runs.get(answerId)?.live ?? null;
  }

  /** Resolves when the answer is stored, or at once where it is not being generated here. */
  async ended(answerId: string): Promise<void> {
    await this.#runs.get(answerId)?.ended;
  }

  /** Ends the runs of an account that is gone: there is nobody to answer, and nowhere to store it. */
  abandon(ownerId: string): void {
    for (const run of this.#runs.values()) if (run.ownerId === ownerId) run.abort.abort(new LeaseLost());
  }

  /** Ends all runs; their answers are kept as INTERRUPTED with their text so far. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat);
    const runs = [...this.#runs.values()];
    for (const { abort } of runs) abort.abort(new Interrupted());
    await Promise.allSettled(runs.map(({ ended }) => ended));
  }

  async #run(live: LiveAnswer, signal: AbortSignal): Promise<void> {
    const { log } = this.services;
    try {
      const outcome = await this.#generate(live, signal);
      await this.#finish(live, outcome);
    } catch (error) {
      // Nothing is lost: the lease runs out, and the answer becomes INTERRUPTED with what was saved.
      log.error({ err: error, answerId: live.id }, 'An answer could not be stored.');
    } finally {
      this.#runs.delete(live.id);
      live.end();
    }
  }

  async #generate(live: LiveAnswer, signal: AbortSignal): Promise<Outcome> {
    const { fork, model, prompts, log } = this.services;
    try {
      const em = fork();
      const prompt = await prompts.promptFor(em, await em.findOneOrFail(Message, { id: live.id }));
      const { model: name, usage } = await model.stream(prompt, { signal, onText: (text) => live.append(text) });
      return { status: MessageStatus.COMPLETED, errorCode: null, model: name, usage };
    } catch (error) {
      const errorCode = errorCodeOf(error);
      log.warn({ err: error, answerId: live.id, code: errorCode }, 'An answer failed.');
      return { status: MessageStatus.FAILED, errorCode, model: null, usage: null };
    }
  }

  async #finish(live: LiveAnswer, outcome: Outcome): Promise<void> {
    const { fork, store, log } = this.services;
    const content = live.complete();
    for (const pause of [...WRITE_PAUSES, null]) {
      try {
        const stored = await store.finish(fork(), live.id, this.instanceId, content, outcome);
        if (!stored) log.warn({ answerId: live.id }, 'An answer was decided elsewhere before it ended here.');
        return;
      } catch (error) {
        if (pause === null) throw error;
        await sleep(pause);
      }
    }
  }

  async #beat(): Promise<void> {
    const { fork, store, log } = this.services;
    try {
      const em = fork();
      const running = [...this.#runs.values()].map(({ live }) => ({ id: live.id, content: live.text }));
      const kept = new Set(await store.renewLeases(em, this.instanceId, running));
      for (const { id } of running) if (!kept.has(id)) this.#runs.get(id)?.abort.abort(new LeaseLost());
      await store.failExpired(em);
    } catch (error) {
      log.error({ err: error }, 'The leases of running answers could not be renewed.');
    }
  }
}

/** The server shuts down. */
class Interrupted extends Error {}
/** Another instance has decided what became of this answer, or its conversation was deleted. */
class LeaseLost extends Error {}

function errorCodeOf(error: unknown): AnswerErrorCode {
  if (error instanceof ModelError) return AnswerErrorCode[error.code];
  if (error instanceof Interrupted || error instanceof LeaseLost) return AnswerErrorCode.INTERRUPTED;
  return AnswerErrorCode.INTERNAL;
}
