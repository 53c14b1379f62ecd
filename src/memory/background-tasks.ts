import { TaskSet } from '../platform/lifecycle/task-set.js';

/** How long a task may take, and wait for the provider, before its signal aborts. */
const TASK_TIMEOUT_MS = 30 * 60_000;

/** Runs tasks that no request waits for, such as titles; they are aborted when the server shuts down. */
export class BackgroundTasks implements AsyncDisposable {
  readonly #shutdown = new AbortController();
  readonly #tasks = new TaskSet();

  /** @param task handles its own errors */
  run(task: (signal: AbortSignal) => Promise<void>): void {
    if (this.#shutdown.signal.aborted) return;
    this.#tasks.add(task(AbortSignal.any([this.#shutdown.signal, AbortSignal.timeout(TASK_TIMEOUT_MS)])));
  }

  /** Resolves when no task is running. */
  async idle(): Promise<void> {
    await this.#tasks.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.idle();
  }
}
