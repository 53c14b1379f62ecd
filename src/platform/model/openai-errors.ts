import OpenAI, { APIError } from 'openai';
import { ModelError } from './chat-model.js';
import { classifyProviderError, findProviderError, ProviderError, toProviderError } from './provider-error.js';

/**
 * Converts an error of the SDK or of a stream to a ModelError. All of the SDK's subclasses have the name "Error", so
 * they are distinguished by instanceof and status.
 */
export function toModelError(error: unknown): ModelError {
  if (error instanceof ModelError) return error;
  if (error instanceof ProviderError)
    return new ModelError(classifyProviderError(error), error.message, { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof OpenAI.APIConnectionTimeoutError) {
    return new ModelError('PROVIDER_TIMEOUT', message, { cause: error });
  }
  const status = error instanceof APIError ? (error.status as number | undefined) : undefined;
  if (status === undefined) return new ModelError('PROVIDER_UNAVAILABLE', message, { cause: error });
  const { error: body, headers } = error as APIError;
  const cause = findProviderError(body, status) ?? toProviderError(body ?? message, status);
  return new ModelError(classifyProviderError(cause), message, { cause, retryAfter: readRetryAfter(headers) });
}

/** Returns the delay that the response's headers request (RFC 9110, 10.2.3), in milliseconds. */
function readRetryAfter(headers: Headers | undefined): number | null {
  const milliseconds = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (milliseconds >= 0) return milliseconds;
  const given = headers?.get('retry-after');
  if (!given) return null;
  const seconds = Number(given);
  const delay = Number.isNaN(seconds) ? Date.parse(given) - Date.now() : seconds * 1000;
  return Number.isNaN(delay) ? null : Math.max(0, delay);
}
