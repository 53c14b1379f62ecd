import { onPageEvent } from '../environment.js';
import { ParleyError } from '../parley-error.js';

const BASE_DELAY_MS = 250;
const MAX_DELAY_MS = 15_000;

/** Returns the delay before an attempt: random, below a bound that doubles with each. */
export const getRetryDelay = (attempt: number): number =>
  (0.5 + Math.random() / 2) * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** attempt);

/** Waits. Returns early when the signal aborts, and when the device comes online again. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stopListening = onPageEvent('online', done);
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
    function done(): void {
      clearTimeout(timer);
      stopListening();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

const MAX_ATTEMPTS = 5;
/** A longer wait is shown to the user instead. */
const MAX_RETRY_AFTER_SECONDS = 5;

/**
 * Repeats a request that may succeed later. The request must be one that can be repeated, such as a question with a
 * `requestId`.
 * @throws ParleyError the last one
 */
export async function withRetries<T>(signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      const { isRetryable, retryAfter } = error;
      if (!isRetryable || attempt >= MAX_ATTEMPTS || (retryAfter ?? 0) > MAX_RETRY_AFTER_SECONDS || signal.aborted)
        throw error;
      await pause(retryAfter === null ? getRetryDelay(attempt) : retryAfter * 1_000, signal);
      if (signal.aborted) throw error;
    }
  }
}
