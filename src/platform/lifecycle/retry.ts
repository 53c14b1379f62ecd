import { setTimeout as sleep } from 'node:timers/promises';
import { backoff, type BackoffOptions } from './backoff.js';

interface RetryOptions extends BackoffOptions {
  /** Called after each failed attempt; it throws if no further attempt should follow. */
  onFailure: (error: unknown) => void;
  signal?: AbortSignal;
}

/**
 * Calls `work` until it succeeds, with a back-off between the attempts.
 * @throws the error that `onFailure` throws, or the signal's reason
 */
export async function retry<T>(work: () => Promise<T>, { onFailure, signal, ...pauses }: RetryOptions): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      onFailure(error);
      await sleep(backoff(attempt, pauses), undefined, { signal }).catch(() => {});
      signal?.throwIfAborted();
    }
  }
}
