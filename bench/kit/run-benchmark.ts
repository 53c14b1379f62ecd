import { setTimeout as sleep } from 'node:timers/promises';

/** How long the exit of a process may follow the errors of its connections. */
const EXIT_NOTICE_MS = 500;

/** Registers what is disposed of at the end. */
export type Use = <T extends Disposable>(resource: T) => T;

/** Runs a benchmark, and ends its processes. If one of them dies, the exit code is 1. */
export async function runBenchmark(work: (use: Use) => Promise<void>): Promise<void> {
  using stack = new DisposableStack();
  try {
    await work((resource) => stack.use(resource));
  } catch (error) {
    // If a process has died, the error that says so is clearer than that of a connection.
    await sleep(EXIT_NOTICE_MS);
    throw error;
  }
}
