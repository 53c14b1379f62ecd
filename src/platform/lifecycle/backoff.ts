export interface BackoffOptions {
  /** The upper bound of the first pause; it doubles with each attempt. */
  initialMs: number;
  /** The upper bound of every pause. */
  maxMs: number;
}

/**
 * Returns how many milliseconds to wait after failed attempt number `attempt`, counted from 0: exponential back-off
 * with full jitter, so that many clients do not retry at the same moment.
 */
export function backoff(attempt: number, { initialMs, maxMs }: BackoffOptions): number {
  return Math.random() * Math.min(maxMs, initialMs * 2 ** attempt);
}
