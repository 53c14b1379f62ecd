import { ModelError } from './chat-model.js';
import { FairQueue } from './fair-queue.js';

export interface CallLimits {
  /** Calls at once; null: unlimited. */
  concurrency: number | null;
  /** Calls at once for titles and metadata. */
  background: number;
  /** How long an answer may have no output before the background calls beside it are dropped. */
  patienceMs: number;
}

/** A background call beyond this many that wait is refused. */
const MAX_WAITING_BACKGROUND_CALLS = 200;

/** Calls that have output in two consecutive periods of this length are served at once. */
const OVERLAP_PERIOD_MS = 1_000;

/** A background call was ended because an answer needs its place. */
class CallDropped extends Error {}

/** A call that runs. */
export interface ScheduledCall {
  /** Aborted when the call is dropped. */
  readonly signal: AbortSignal;
  /** Must be called with each piece of output. */
  readonly onOutput: () => void;
}

interface RunningCall extends ScheduledCall {
  readonly isAnswer: boolean;
  readonly abort: AbortController;
  /** Whether an answer was running when this call began. */
  readonly isBesideAnswer: boolean;
  hasOutput: boolean;
  /** The period of the last output. */
  period: number;
  timer?: NodeJS.Timeout;
}

interface WaitingCall {
  start: () => void;
}

/**
 * Decides when a call to the provider may begin, so that titles and metadata never delay an answer.
 *
 * 1. Answers begin at once, or wait in turns between the users when `concurrency` calls are running.
 * 2. Background calls wait while an answer waits for the provider: for a place, or for its first output.
 * 3. A background call is dropped, and made again later, if an answer needs its place: when `concurrency` is reached, or
 *    when an answer has no output for `patienceMs` and the provider may be serving the background call instead of it.
 *
 * How many calls a provider serves at once is learned from output that overlaps, and assumed to be one before: a
 * local server often has a single slot. The count is never lowered; a restart forgets it.
 */
export class CallScheduler {
  readonly #running = new Set<RunningCall>();
  readonly #answers = new FairQueue<WaitingCall>();
  readonly #background = new FairQueue<WaitingCall>();
  /** Running answers without output. */
  #silentAnswers = 0;
  /** How many calls the provider is known to serve at once. */
  #servedAtOnce = 1;
  #overlap = { period: 0, calls: 0 };

  /** @param onDrop called when a background call is dropped */
  constructor(
    private readonly limits: CallLimits,
    private readonly onDrop: () => void,
  ) {}

  /** The number of answers that wait for a place. */
  get waitingAnswers(): number {
    return this.#answers.size;
  }

  /** The number of background calls that wait. */
  get waitingBackgroundCalls(): number {
    return this.#background.size;
  }

  /** Makes a call for an answer as soon as there is a place. @throws the signal's reason if it is aborted before */
  async runAnswer<T>(userId: string, signal: AbortSignal, call: (scheduled: ScheduledCall) => Promise<T>): Promise<T> {
    const running = await this.#enter(this.#answers, true, userId, signal);
    try {
      return await call(running);
    } finally {
      this.#leave(running);
    }
  }

  /**
   * Makes a background call as soon as no answer waits, again after each time that it was dropped.
   * @param onRepeat called before the call is made again
   * @throws ModelError PROVIDER_RATE_LIMITED if too many background calls wait; the signal's reason if it is aborted
   */
  async runBackground<T>(
    userId: string,
    signal: AbortSignal,
    call: (scheduled: ScheduledCall) => Promise<T>,
    onRepeat: () => void,
  ): Promise<T> {
    for (;;) {
      if (this.#background.size >= MAX_WAITING_BACKGROUND_CALLS)
        throw new ModelError('PROVIDER_RATE_LIMITED', 'Too many titles and metadata updates wait for the provider.');
      const running = await this.#enter(this.#background, false, userId, signal);
      try {
        return await call(running);
      } catch (error) {
        if (signal.aborted || !wasDelayedByAnswer(error, running)) throw error;
      } finally {
        this.#leave(running);
      }
      onRepeat();
    }
  }

  #enter(queue: FairQueue<WaitingCall>, isAnswer: boolean, userId: string, signal: AbortSignal): Promise<RunningCall> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const cancel = () => {
        queue.remove(userId, waiting);
        reject(signal.reason as Error);
      };
      const waiting = {
        start: () => {
          signal.removeEventListener('abort', cancel);
          resolve(this.#start(isAnswer));
        },
      };
      signal.addEventListener('abort', cancel, { once: true });
      queue.push(userId, waiting);
      this.#admit();
    });
  }

  /** Starts the calls that may begin now. Call after every change. */
  #admit(): void {
    const concurrency = this.limits.concurrency ?? Infinity;
    while (this.#answers.size > 0 && this.#running.size < concurrency) this.#answers.take()!.start();
    if (this.#answers.size > 0) return this.#drop(this.#answers.size);
    while (this.#background.size > 0 && this.#running.size < concurrency && this.#mayStartBackgroundCall())
      this.#background.take()!.start();
  }

  #mayStartBackgroundCall(): boolean {
    const running = [...this.#running].filter(({ isAnswer }) => !isAnswer).length;
    const wouldDelay = this.#silentAnswers > 0 && this.#running.size >= this.#servedAtOnce;
    return running < this.limits.background && !wouldDelay;
  }

  #start(isAnswer: boolean): RunningCall {
    const running = [...this.#running];
    const abort = new AbortController();
    const call: RunningCall = {
      isAnswer,
      abort,
      signal: abort.signal,
      isBesideAnswer: running.some((other) => other.isAnswer),
      hasOutput: false,
      period: -1,
      onOutput: () => this.#observeOutput(call),
    };
    this.#running.add(call);
    if (isAnswer) {
      this.#silentAnswers += 1;
      if (running.some((other) => !other.isAnswer))
        call.timer = setTimeout(() => this.#dropIfDelaying(), this.limits.patienceMs);
    }
    return call;
  }

  #leave(call: RunningCall): void {
    this.#running.delete(call);
    if (!call.hasOutput) this.#endSilence(call);
    this.#admit();
  }

  #observeOutput(call: RunningCall): void {
    if (!call.hasOutput) {
      call.hasOutput = true;
      this.#endSilence(call);
      this.#admit();
    }
    const period = Math.floor(performance.now() / OVERLAP_PERIOD_MS);
    if (call.period === period) return;
    // The call was being served at the boundary of the periods, and so were the others that are counted here.
    if (call.period === period - 1) {
      const calls = this.#overlap.period === period ? this.#overlap.calls + 1 : 1;
      this.#overlap = { period, calls };
      this.#servedAtOnce = Math.max(this.#servedAtOnce, calls);
    }
    call.period = period;
  }

  #endSilence(call: RunningCall): void {
    if (call.isAnswer) this.#silentAnswers -= 1;
    clearTimeout(call.timer);
  }

  #dropIfDelaying(): void {
    if (this.#running.size > this.#servedAtOnce) this.#drop(Infinity);
  }

  /** Drops background calls until `count` are being dropped. */
  #drop(count: number): void {
    const background = [...this.#running].filter(({ isAnswer }) => !isAnswer);
    let missing = count - background.filter(({ signal }) => signal.aborted).length;
    for (const { abort } of background.filter(({ signal }) => !signal.aborted)) {
      if (missing <= 0) return;
      missing -= 1;
      this.onDrop();
      abort.abort(new CallDropped());
    }
  }
}

/** A provider with a single slot may have served only an answer until the call timed out. */
function wasDelayedByAnswer(error: unknown, { signal, isBesideAnswer, hasOutput }: RunningCall): boolean {
  if (signal.aborted) return error === signal.reason;
  return isBesideAnswer && !hasOutput && error instanceof ModelError && error.code === 'PROVIDER_TIMEOUT';
}
