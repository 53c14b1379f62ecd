import { readFileSync } from 'node:fs';

/** Linux counts how long a thread was ready to run and had to wait for a core, in nanoseconds: the second field. */
const DELAY_OF_THREAD = '/proc/thread-self/schedstat';

/**
 * The time in milliseconds, without the time in which this thread or the main thread of the measured process waited for a
 * core. On an idle machine it is that of a usual clock. On a busy one, a response that takes longer by it than a client may
 * wait is late for a reason of the server.
 */
export class RunningClock {
  readonly #files: readonly string[];
  #time = performance.now();
  #running = 0;
  #delay: number;

  /** @param pid the measured process */
  constructor(pid: number, files = [DELAY_OF_THREAD, `/proc/${pid}/schedstat`]) {
    this.#files = files;
    this.#delay = this.#readDelay();
  }

  /** Call it often: what both threads wait for at the same time is counted twice, but no more than what has passed. */
  now(): number {
    const [time, delay] = [performance.now(), this.#readDelay()];
    const passed = time - this.#time;
    this.#running += passed - Math.min(passed, Math.max(0, delay - this.#delay));
    this.#time = time;
    this.#delay = delay;
    return this.#running;
  }

  #readDelay(): number {
    return this.#files.reduce((sum, file) => sum + readDelay(file), 0);
  }
}

/** Returns 0 on other systems than Linux. */
function readDelay(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
