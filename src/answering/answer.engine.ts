import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { conversationChanged, ConversationUpdateType } from '../conversations/conversation.events.js';
import type { MetadataService } from '../memory/metadata.service.js';
import type { Prompt, PromptService } from '../memory/prompt.service.js';
import type { Cost } from '../memory/usage.service.js';
import { AnswerErrorCode, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/database.js';
import { isPassing } from '../platform/db/passing.js';
import { ModelError, type ChatModel } from '../platform/model/chat-model.js';
import type { Bus } from '../platform/pubsub/bus.js';
import { UnavailableError } from '../platform/errors/api-error.js';
import { repeat } from '../platform/jobs/repeat.js';
import { countTokens } from '../platform/model/tokens.js';
import type { Logger } from '../platform/telemetry/log.js';
import { INTERRUPTED, STOPPED, type AnswerStore } from './answer.store.js';
import { LiveAnswer } from './live-answer.js';
import type { SharedAnswers } from './shared-answers.js';

/** How often an answer that is generated elsewhere is looked up until it ends, in milliseconds. */
const POLL = 250;

/** How often a server that shuts down looks whether all answers have ended, in milliseconds. */
const SHORT_POLL = 20;

/** How often running answers renew their lease and save their text, in milliseconds. */
const HEARTBEAT = 2_000;

/**
 * What the database refuses is tried again, with growing pauses: reading the question, and the last write. Meanwhile
 * the heartbeat renews the lease as soon as it can. In milliseconds; shutting down does not wait as long.
 */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;
const WRITING = 5 * 60_000;
const WRITING_AT_THE_END = 5_000;

/** A provider that says more than this, in UTF-16 code units, or talks longer, has lost its thread. */
const LONGEST_ANSWER = 1_000_000;
const LONGEST_RUN = 60 * 60_000;

/** How a run ended, as it is stored. */
export interface Outcome {
  status: MessageStatus;
  errorCode: AnswerErrorCode | null;
  model: string | null;
  /** Null where nothing was answered. */
  cost: Cost | null;
}

/** What has to be known of an answer to generate it. */
export interface AnswerToRun {
  id: string;
  conversationId: string;
  ownerId: string;
  /** Its place in the conversation. */
  position: number;
}

/** An answer that has ended here, or whose instance went away. */
export interface EndedAnswer {
  messageId: string;
  conversationId: string;
  ownerId: string;
}

interface Run extends AnswerToRun {
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
  readonly #beats: Disposable[];
  #draining = false;
  /** How many answers are being stored, to be started then. */
  #coming = 0;
  /** Whether the last writes are in a hurry. */
  #ending = false;

  constructor(
    private readonly services: {
      fork: () => EntityManager;
      /** For the heartbeat, which must not wait behind requests. */
      reserved: () => EntityManager;
      model: ChatModel;
      prompts: PromptService;
      store: AnswerStore;
      /** Null where there is one instance only. */
      shared: SharedAnswers | null;
      metadata: MetadataService;
      bus: Bus;
      log: Logger;
    },
  ) {
    this.#beats = [repeat(HEARTBEAT, () => this.#beat()), repeat(HEARTBEAT, () => this.#takeExpired())];
  }

  /** Begins to generate an answer that was stored with this instance's lease. */
  start(answer: AnswerToRun): void {
    const live = new LiveAnswer(answer.id);
    const abort = new AbortController();
    const run: Run = { ...answer, live, abort, ended: this.#run(live, answer, abort) };
    this.#runs.set(answer.id, run);
    this.services.shared?.share(live);
    // It was being stored while the others were interrupted.
    if (this.#ending) abort.abort(new Interrupted());
  }

  /** Stops an answer, if it is being generated here: the provider's call is aborted, and the text so far stays. */
  stop(answerId: string): void {
    this.#runs.get(answerId)?.abort.abort(new Stopped());
  }

  /** Stops an answer whose instance does not listen: it loses its lease. */
  async stopAnyway(answerId: string): Promise<void> {
    await this.#take(answerId, STOPPED);
  }

  /**
   * Announces an answer that is about to be stored and started, until disposed of: draining waits for it.
   * @throws UnavailableError while the server shuts down.
   */
  expect(): Disposable {
    if (this.#draining) throw new UnavailableError();
    this.#coming += 1;
    return { [Symbol.dispose]: () => void (this.#coming -= 1) };
  }

  /** How many answers are being generated here. */
  get running(): number {
    return this.#runs.size;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Takes no new answers, and lets those in progress go on for at most so many milliseconds; what is left is interrupted. */
  async drain(grace: number): Promise<void> {
    this.#draining = true;
    const isBusy = () => this.#runs.size + this.#coming > 0;
    for (const deadline = Date.now() + grace; isBusy() && Date.now() < deadline;) await sleep(SHORT_POLL);
    await this.#interrupt();
  }

  /** The answer, if it is being generated here. */
  live(answerId: string): LiveAnswer | null {
    return this.#runs.get(answerId)?.live ?? null;
  }

  /** What there is of an answer that is being generated, here or at another instance: the longest that is known. */
  async textOf({ id, content }: { id: string; content: string }): Promise<string> {
    const text = this.live(id)?.text ?? (await this.services.shared?.textOf(id)) ?? '';
    return text.length > content.length ? text : content;
  }

  /**
   * Resolves when the answer is stored, wherever it is being generated.
   * @param patience how long it is waited for, here and then elsewhere, in milliseconds
   */
  async ended(answerId: string, patience = Infinity): Promise<void> {
    const endedHere = this.#runs.get(answerId)?.ended;
    await (patience === Infinity ? endedHere : Promise.race([endedHere, sleep(patience, null, { ref: false })]));
    const { fork, store } = this.services;
    for (let waited = 0; waited < patience && (await store.isRunning(fork(), answerId)); waited += POLL)
      await sleep(POLL);
  }

  /** Ends the runs of an account or a conversation that is gone: there is nowhere to store them. */
  abandon(gone: { ownerId: string } | { conversationId: string }): void {
    for (const run of this.#runs.values()) {
      const isGone = 'ownerId' in gone ? run.ownerId === gone.ownerId : run.conversationId === gone.conversationId;
      if (isGone) run.abort.abort(new LeaseLost());
    }
  }

  /** Ends all runs; their answers are kept as INTERRUPTED with their text so far. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining = true;
    await this.#interrupt();
    for (const beat of this.#beats) beat[Symbol.dispose]();
  }

  async #interrupt(): Promise<void> {
    this.#ending = true;
    const runs = [...this.#runs.values()];
    for (const { abort } of runs) abort.abort(new Interrupted());
    await Promise.allSettled(runs.map(({ ended }) => ended));
  }

  async #run(live: LiveAnswer, answer: AnswerToRun, abort: AbortController): Promise<void> {
    const { log } = this.services;
    try {
      const outcome = await this.#generate(live, answer, abort);
      if (await this.#finish(live, answer, outcome)) this.#ended({ ...answer, messageId: answer.id });
    } catch (error) {
      // Nothing is lost: the lease runs out, and the answer becomes INTERRUPTED with what was saved.
      log.error({ err: error, answerId: live.id }, 'An answer could not be stored.');
    } finally {
      this.#runs.delete(live.id);
      live.end();
    }
  }

  /** An answer has ended, and that is committed. */
  #ended({ conversationId, ownerId, messageId }: EndedAnswer): void {
    const { metadata, bus } = this.services;
    bus.publish(conversationChanged, {
      type: ConversationUpdateType.ANSWER_FINISHED,
      ownerId,
      conversationId,
      messageId,
    });
    metadata.exchangeEnded(conversationId);
  }

  async #generate(live: LiveAnswer, answer: AnswerToRun, abort: AbortController): Promise<Outcome> {
    const { model, log } = this.services;
    let promptTokens = 0;
    const tooLate = () => abort.abort(new ModelError('PROVIDER_TIMEOUT', 'the answer took too long'));
    const deadline = setTimeout(tooLate, LONGEST_RUN).unref();
    try {
      const prompt = await this.#promptFor(answer, abort.signal);
      promptTokens = prompt.tokens;
      const { model: name, usage } = await model.stream(prompt.messages, {
        signal: abort.signal,
        onText(text) {
          live.append(text);
          if (live.text.length > LONGEST_ANSWER)
            abort.abort(new ModelError('PROVIDER_UNAVAILABLE', 'the answer has no end'));
        },
      });
      const cost = usage ? { ...usage, estimated: false } : estimate(promptTokens, live.text);
      return { status: MessageStatus.COMPLETED, errorCode: null, model: name, cost };
    } catch (error) {
      if (error instanceof Stopped) {
        const cost = { promptTokens, completionTokens: countTokens(live.text), estimated: true };
        return { status: MessageStatus.STOPPED, errorCode: null, model: null, cost: promptTokens > 0 ? cost : null };
      }
      const errorCode = errorCodeOf(error);
      log.warn({ err: error, answerId: live.id, code: errorCode }, 'An answer failed.');
      return { status: MessageStatus.FAILED, errorCode, model: null, cost: estimate(promptTokens, live.text) };
    } finally {
      clearTimeout(deadline);
    }
  }

  /**
   * Apart from the run, which would hold the EntityManager, and all that it has read, while it waits. The question was
   * taken, so it is not given up while the database is away.
   */
  async #promptFor(answer: AnswerToRun, signal: AbortSignal): Promise<Prompt> {
    const { fork, prompts, log } = this.services;
    return await insisting(
      () => prompts.promptFor(fork(), answer),
      (error) => {
        if (!isPassing(error)) throw error;
        log.warn({ err: error, answerId: answer.id }, 'A question could not be read yet.');
      },
      signal,
    );
  }

  /** Stores the outcome; false where the answer was decided elsewhere before it ended here. */
  async #finish(live: LiveAnswer, { ownerId }: AnswerToRun, outcome: Outcome): Promise<boolean> {
    const { fork, store, log } = this.services;
    const content = live.complete();
    const answer = { id: live.id, ownerId, leaseOwner: this.instanceId, content };
    const began = Date.now();
    const stored = await insisting(
      () => store.finish(fork(), answer, outcome),
      (error) => {
        if (Date.now() - began > (this.#ending ? WRITING_AT_THE_END : WRITING)) throw error;
        log.warn({ err: error, answerId: live.id }, 'An answer could not be stored yet.');
      },
    );
    if (!stored) log.warn({ answerId: live.id }, 'An answer was decided elsewhere before it ended here.');
    return stored;
  }

  async #take(answerId: string, outcome: typeof INTERRUPTED | typeof STOPPED): Promise<void> {
    const { fork, store, shared } = this.services;
    const ended = await store.take(fork(), answerId, outcome, (await shared?.textOf(answerId)) ?? null);
    if (ended) this.#ended(ended);
  }

  async #beat(): Promise<void> {
    const { reserved, store, log } = this.services;
    try {
      const em = reserved();
      const running = [...this.#runs.values()].map(({ live }) => ({ id: live.id, content: live.text }));
      const kept = new Set(await store.renewLeases(em, this.instanceId, running));
      for (const { id } of running) if (!kept.has(id)) this.#runs.get(id)?.abort.abort(new LeaseLost());
    } catch (error) {
      log.error({ err: error }, 'The leases of running answers could not be renewed.');
    }
  }

  /** Ends the answers of instances that have gone. */
  async #takeExpired(): Promise<void> {
    const { fork, store, log } = this.services;
    try {
      for (const id of await store.expired(fork())) {
        await this.#take(id, INTERRUPTED).catch((error: unknown) =>
          log.error({ err: error, answerId: id }, 'An answer whose instance has gone could not be ended yet.'),
        );
      }
    } catch (error) {
      log.error({ err: error }, 'The answers of instances that have gone could not be looked up.');
    }
  }
}

/** Tries until it succeeds, with growing pauses. `onFailure` throws what is to be given up for; so does the signal. */
async function insisting<T>(
  work: () => Promise<T>,
  onFailure: (error: unknown) => void,
  signal?: AbortSignal,
): Promise<T> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await work();
    } catch (error) {
      onFailure(error);
      await sleep(pause, undefined, { signal }).catch(() => {});
      signal?.throwIfAborted();
    }
  }
}

/** The user has had enough. */
class Stopped extends Error {}
/** The server shuts down. */
class Interrupted extends Error {}
/** Another instance has decided what became of this answer, or its conversation was deleted. */
class LeaseLost extends Error {}

function errorCodeOf(error: unknown): AnswerErrorCode {
  if (error instanceof ModelError) return AnswerErrorCode[error.code];
  if (error instanceof Interrupted || error instanceof LeaseLost) return AnswerErrorCode.INTERRUPTED;
  return AnswerErrorCode.INTERNAL;
}

/** What a call cost whose figures the provider did not send. */
function estimate(promptTokens: number, text: string): Cost | null {
  return text === '' ? null : { promptTokens, completionTokens: countTokens(text), estimated: true };
}
