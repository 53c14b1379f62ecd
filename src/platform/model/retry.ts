import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '../lifecycle/backoff.js';
import { ModelError, type ModelErrorCode } from './chat-model.js';
import { ProviderError } from './provider-error.js';

/** Failures that are retried. A timeout is not: the user has waited for `OPENAI_TIMEOUT` already. */
const TRANSIENT: ReadonlySet<ModelErrorCode> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_EMPTY',
]);

/** An empty answer is paid for, so it is requested once more at most. */
const MAX_EMPTY_RETRIES = 1;

const BACKOFF = { initialMs: 500, maxMs: 8_000 };

/** What a server says while it loads its model. */
const LOADING = /loading|warming up|starting up|not ready/i;

export interface RetryOptions {
  /** Retries after the first attempt. Waiting for a server that loads its model counts as none. */
  maxRetries: number;
  /** How long to wait in all for what the provider requests: a delay, or the end of loading. */
  maxWaitMs: number;
  mayRetry: () => boolean;
  signal: AbortSignal;
}

/**
 * Retries transient failures while `mayRetry` returns true. The delay is the one that the provider requested, otherwise
 * it grows exponentially with full jitter, so that many clients do not return at once.
 * @throws what the last attempt threw
 */
export async function retry<T>(
  work: () => Promise<T>,
  { maxRetries, maxWaitMs, mayRetry, signal }: RetryOptions,
): Promise<T> {
  const mayWaitUntil = performance.now() + maxWaitMs;
  let emptyAnswers = 0;
  let retries = 0;
  for (let failures = 0; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ModelError) || !TRANSIENT.has(error.code) || !mayRetry()) throw error;
      const isComing = isLoading(error);
      if (!isComing && (retries += 1) > maxRetries) throw error;
      if (error.code === 'PROVIDER_EMPTY' && (emptyAnswers += 1) > MAX_EMPTY_RETRIES) throw error;
      const delay = error.retryAfter ?? backoff(failures, BACKOFF);
      const isRequested = isComing || error.retryAfter !== null;
      if (isRequested && performance.now() + delay > mayWaitUntil) throw error;
      await sleep(delay, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** Whether the server is going to be available: it loads its model, or names the time. */
const isLoading = ({ cause, retryAfter }: ModelError): boolean =>
  cause instanceof ProviderError && cause.status === 503 && (retryAfter !== null || LOADING.test(cause.details));
