import OpenAI from 'openai';
import { ModelError, type ModelErrorCode } from './chat-model.js';

/**
 * Says in our terms what an error of the SDK, or of the stream that it reads, means.
 * The SDK's subclasses all have the name "Error", so they are told apart by instanceof and status.
 */
export function toModelError(error: unknown): ModelError {
  if (error instanceof ModelError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ModelError(codeOf(error), message, { cause: error, retryAfter: retryAfterOf(error) });
}

/** The pause that the response's headers ask for (RFC 9110, 10.2.3), in milliseconds. */
function retryAfterOf(error: unknown): number | null {
  if (!(error instanceof OpenAI.APIError)) return null;
  const headers = error.headers as Headers | undefined;
  const milliseconds = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (milliseconds >= 0) return milliseconds;
  const given = headers?.get('retry-after');
  if (!given) return null;
  const seconds = Number(given);
  const pause = Number.isNaN(seconds) ? Date.parse(given) - Date.now() : seconds * 1000;
  return Number.isNaN(pause) ? null : Math.max(0, pause);
}

function codeOf(error: unknown): ModelErrorCode {
  if (error instanceof OpenAI.APIConnectionTimeoutError) return 'PROVIDER_TIMEOUT';
  if (!(error instanceof OpenAI.APIError)) return 'PROVIDER_UNAVAILABLE';
  // An error object inside the stream has these two, and no status.
  const code: string | null | undefined = error.code ?? error.type;
  if (code === 'insufficient_quota') return 'PROVIDER_QUOTA_EXCEEDED';
  if (code === 'context_length_exceeded') return 'CONTEXT_TOO_LONG';
  if (code === 'content_filter' || code === 'content_policy_violation') return 'CONTENT_FILTERED';
  if (code === 'rate_limit_exceeded') return 'PROVIDER_RATE_LIMITED';
  const status = error.status as number | undefined;
  if (status === 429) return 'PROVIDER_RATE_LIMITED';
  if (status === 402) return 'PROVIDER_QUOTA_EXCEEDED';
  if (status === 408) return 'PROVIDER_TIMEOUT';
  if (status !== undefined && status >= 400 && status < 500) return 'PROVIDER_REJECTED';
  return 'PROVIDER_UNAVAILABLE';
}
