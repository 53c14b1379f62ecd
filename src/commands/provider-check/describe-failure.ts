import type { ProviderConfiguration } from '../../platform/config/provider.js';
import { toVisibleText } from '../../platform/graphql/visible-text.js';
import { ModelError } from '../../platform/model/chat-model.js';
import { ProviderError } from '../../platform/model/provider-error.js';
import { redactSecrets } from '../../platform/telemetry/log.js';
import { cutText } from '../../platform/text/graphemes.js';

/** The names of the settings to which a failed call leads. */
export interface SettingNames {
  key: string;
  baseUrl: string;
  model: string;
}

const MAX_QUOTED_LENGTH = 160;

/** Returns what is wrong, in the words of the provider, and what to change. @throws errors of other kinds */
export function describeFailure(
  error: unknown,
  provider: ProviderConfiguration,
  settings: SettingNames,
): { text: string; way: string } {
  if (!(error instanceof ModelError)) throw error;
  return { text: describe(error, provider), way: advise(error, provider, settings) };
}

/** The message is the provider's, so it may contain the key, and characters that control a terminal. */
function describe({ code, message, cause }: ModelError, { apiKey }: ProviderConfiguration): string {
  const text = cause instanceof ProviderError ? cause.message : `${message}${describeCause(cause)}`;
  const line = toVisibleText(redactSecrets(text, apiKey ? [apiKey] : [])).replace(/[\p{Cc}\s]+/gu, ' ');
  const status = cause instanceof ProviderError && cause.status !== null ? ` (${cause.status})` : '';
  return `${code}${status}: ${cutText(line, MAX_QUOTED_LENGTH)}`;
}

/** The SDK's message is "Connection error."; the reason, such as ECONNREFUSED, is in a cause of a cause. */
function describeCause(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && typeof cause.code === 'string') return ` (${cause.code})`;
  return '';
}

function advise({ code, cause }: ModelError, { apiKey, model }: ProviderConfiguration, names: SettingNames): string {
  const status = cause instanceof ProviderError ? cause.status : null;
  if (status === 401) return apiKey === null ? `set ${names.key}` : `correct ${names.key}`;
  if (status === 403) return `use a key with access to ${model}, or correct ${names.model}`;
  if (status === 404 || (cause instanceof ProviderError && cause.names.includes('model_not_found')))
    return `set ${names.model} to a model of this provider, or correct ${names.baseUrl}`;
  switch (code) {
    case 'PROVIDER_QUOTA_EXCEEDED':
      return 'pay: the account is out of credit';
    case 'PROVIDER_RATE_LIMITED':
      return 'wait, or ask the provider for a higher limit';
    case 'PROVIDER_TIMEOUT':
      return 'raise OPENAI_TIMEOUT, or use a faster model';
    case 'OUTPUT_LIMIT':
      return 'raise MAX_OUTPUT_TOKENS, or lower REASONING_EFFORT';
    case 'CONTEXT_TOO_LONG':
      return 'start the model with a larger context';
    case 'PROVIDER_UNAVAILABLE':
      return status === null ? `start the provider, or correct ${names.baseUrl}` : 'look at the log of the provider';
    case 'PROVIDER_REJECTED':
      return 'check OPENAI_EXTRA_BODY, and the log of the provider';
    default:
      return `try another ${names.model}`;
  }
}
