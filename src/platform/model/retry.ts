import { setTimeout as sleep } from 'node:timers/promises';
import { ModelError, type ModelErrorCode } from './chat-model.js';

/** What may well pass by itself. A provider that was silent is not asked again: the user has waited long enough. */
const PASSING: ReadonlySet<ModelErrorCode> = new Set(['PROVIDER_RATE_LIMITED', 'PROVIDER_UNAVAILABLE']);

/** The first pause, which doubles with each try up to the longest; in milliseconds. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;

/** A provider that asks for a longer pause than this is taken for one that says no. */
const MOST_PATIENCE = 30_000;

/**
 * Tries again what failed for a passing reason, while `mayRetry` says that nothing has been given out yet.
 * Pauses are what the provider asked for, else grow exponentially with full jitter, so that many do not come back at once.
 * @throws what the last try threw
 */
export async function retrying<T>(
  work: () => Promise<T>,
  { maxRetries, mayRetry, signal }: { maxRetries: number; mayRetry: () => boolean; signal: AbortSignal },
): Promise<T> {
  for (let tried = 0; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ModelError) || !PASSING.has(error.code) || tried >= maxRetries || !mayRetry()) throw error;
      const pause = error.retryAfter ?? Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tried);
      if (pause > MOST_PATIENCE) throw error;
      await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
