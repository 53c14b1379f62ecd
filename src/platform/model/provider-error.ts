import type { ModelErrorCode } from './chat-model.js';
import { isRecord } from '../json/is-record.js';

/** An error that a provider reported, in a response's body or in a stream. */
export class ProviderError extends Error {
  constructor(
    /** The HTTP status, or the code in the body that takes its place; null if there is none. */
    readonly status: number | null,
    /** The provider's `code` and `type`. */
    readonly names: readonly string[],
    message: string,
    /** The whole error as JSON, for what the message leaves out. */
    readonly details: string,
  ) {
    super(message);
    this.name = 'ProviderError';
  }
}

/**
 * Returns the error in a JSON value that a provider sent where a completion was expected, or null if it is not an error.
 * Servers use many shapes: OpenAI's `{error: {…}}`, the same in an array (Gemini), `{error: "…"}` (LM Studio),
 * `{object: "error", …}` (vLLM, Mistral), `{type: "error", …}` (Anthropic), `{detail: …}` (FastAPI), `{errors: […]}`,
 * `{code, message}`. A ping or an empty object is not an error.
 */
export function findProviderError(value: unknown, status: number | null = null): ProviderError | null {
  if (Array.isArray(value)) return value.length > 0 ? findProviderError(value[0], status) : null;
  if (!isRecord(value)) return null;
  if (value['error']) return toProviderError(value['error'], status ?? toStatus(value['code'] ?? value['status']));
  if (Array.isArray(value['choices']) && value['choices'].length > 0) return null;
  if (Array.isArray(value['errors']) && value['errors'].length > 0) return toProviderError(value['errors'][0], status);
  const isError =
    lower(value['object']) === 'error' || lower(value['type']) === 'error' || value['detail'] || value['message'];
  return isError ? toProviderError(value, status) : null;
}

/** Converts an error value of any shape to a ProviderError. */
export function toProviderError(value: unknown, status: number | null = null): ProviderError {
  const inner = unwrap(value);
  const error = isRecord(inner) ? inner : {};
  const names = [error['code'], error['type'], error['status']].filter((name) => typeof name === 'string');
  const text = error['message'] ?? error['detail'] ?? inner;
  return new ProviderError(
    status ?? toStatus(error['code']) ?? toStatus(error['status']),
    names.map((name) => name.toLowerCase()),
    typeof text === 'string' ? text : JSON.stringify(text),
    JSON.stringify(inner) ?? '',
  );
}

/** What each name means, whatever the status is. */
const CODES = new Map<string, ModelErrorCode>(
  Object.entries({
    insufficient_quota: 'PROVIDER_QUOTA_EXCEEDED',
    billing_hard_limit_reached: 'PROVIDER_QUOTA_EXCEEDED',
    billing_error: 'PROVIDER_QUOTA_EXCEEDED',
    insufficient_balance: 'PROVIDER_QUOTA_EXCEEDED',
    context_length_exceeded: 'CONTEXT_TOO_LONG',
    exceed_context_size_error: 'CONTEXT_TOO_LONG',
    content_filter: 'CONTENT_FILTERED',
    content_policy_violation: 'CONTENT_FILTERED',
    data_inspection_failed: 'CONTENT_FILTERED',
    rate_limit_exceeded: 'PROVIDER_RATE_LIMITED',
    rate_limit_error: 'PROVIDER_RATE_LIMITED',
    resource_exhausted: 'PROVIDER_RATE_LIMITED',
    authentication_error: 'PROVIDER_REJECTED',
    permission_error: 'PROVIDER_REJECTED',
    not_found_error: 'PROVIDER_REJECTED',
    invalid_api_key: 'PROVIDER_REJECTED',
    model_not_found: 'PROVIDER_REJECTED',
  }),
);

/** The words of OpenAI, vLLM, llama.cpp, Mistral, Anthropic, Gemini and LM Studio. */
const TOO_LONG =
  /maximum context length|context (length|size|window|limit)|contextwindowexceeded|prompt is too long|prompt contains \d+ tokens|input token count|too large for model with \d+|tokens exceed the configured limit|n_prompt_tokens/i;
const NO_CREDIT = /insufficient (balance|credits|funds)|credit balance is too low/i;
const FLAGGED = /moderation|flagged|content management policy|content filter/i;

/** Classifies an error by its names, its words and its status, in this order. */
export function classifyProviderError({ status, names, message, details }: ProviderError): ModelErrorCode {
  const code = names.map((name) => CODES.get(name)).find((known) => known !== undefined);
  if (code) return code;
  // "Too many tokens" is a matter of time when the status is 429.
  if (status !== 429 && TOO_LONG.test(details)) return 'CONTEXT_TOO_LONG';
  if (status === 402 || NO_CREDIT.test(message)) return 'PROVIDER_QUOTA_EXCEEDED';
  if ((status === 400 || status === 403) && FLAGGED.test(message)) return 'CONTENT_FILTERED';
  if (status === 429) return 'PROVIDER_RATE_LIMITED';
  if (status === 408) return 'PROVIDER_TIMEOUT';
  if (status === 413) return 'CONTEXT_TOO_LONG';
  return status !== null && status >= 300 && status < 500 ? 'PROVIDER_REJECTED' : 'PROVIDER_UNAVAILABLE';
}

/** Whether the provider does not accept the API key, or not for this model. */
export const isAuthenticationError = ({ status, names }: ProviderError): boolean =>
  status === 401 || status === 403 || names.includes('authentication_error') || names.includes('invalid_api_key');

/** Some gateways wrap the error of the server behind them: `{error: {error: {…}}}`. */
function unwrap(value: unknown): unknown {
  return isRecord(value) && isRecord(value['error']) ? value['error'] : value;
}

function toStatus(code: unknown): number | null {
  const status = typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : code;
  return typeof status === 'number' && status >= 300 && status < 600 ? status : null;
}

const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);
