import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when the promise settles, or after `timeoutMs`. */
export async function waitAtMost(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const timeout = sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => {});
  await Promise.race([promise.catch(() => {}), timeout]);
  timer.abort();
}
