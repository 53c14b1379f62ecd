import { z } from 'zod';
import { isHeader } from './header.js';
import { apiKey, baseUrl, httpUrl } from './values.js';

/** Where one model is called, and how. */
export interface ProviderConfiguration {
  apiKey: string | null;
  baseUrl: string | null;
  model: string;
  /** How long the provider may send nothing, before the first token and between two tokens. */
  timeout: number;
  /** Retries after the first attempt. A call is not retried after the first token. */
  maxRetries: number;
  /** The maximum number of tokens of an answer. */
  maxOutputTokens: number;
  /** Null: not sent. */
  temperature: number | null;
  /** Null: not sent. */
  reasoningEffort: string | null;
  extraHeaders: Record<string, string>;
  /** Members that are added to the body of each request. */
  extraBody: Record<string, unknown>;
  /** Null: not Azure. */
  azureApiVersion: string | null;
  proxy: ProxyConfiguration;
}

/** As in the environment variables of these names; what is unset is absent. */
export interface ProxyConfiguration {
  HTTP_PROXY?: string;
  HTTPS_PROXY?: string;
  NO_PROXY?: string;
}

/** Returns how another model of a provider is called. The effort was chosen for the first one; others may not know it. */
export const forModel = (provider: ProviderConfiguration, model: string): ProviderConfiguration =>
  model === provider.model ? provider : { ...provider, model, reasoningEffort: null };

export interface ProvidersConfiguration extends ProviderConfiguration {
  /** Called when the provider fails before the first token. */
  fallback: ProviderConfiguration | null;
  titleModel: string;
  memoryModel: string;
}

/** What is not set by default. */
export const NO_EXTRAS = {
  temperature: null,
  reasoningEffort: null,
  extraHeaders: {},
  extraBody: {},
  azureApiVersion: null,
  proxy: {},
};

const jsonObject = z.string().transform((text, context): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Reported below. The message does not quote the value, because it may contain a key.
  }
  context.addIssue({ code: 'custom', message: 'not a JSON object; use one such as {"name": "value"}' });
  return z.NEVER;
});

const headers = jsonObject.transform((given, context): Record<string, string> => {
  for (const [name, value] of Object.entries(given)) {
    if (isHeader(name, value)) continue;
    context.addIssue({ code: 'custom', message: `"${name}" is not a valid header; its value must be a text` });
    return z.NEVER;
  }
  return given as Record<string, string>;
});

/** Members of a request that Parley sets itself and depends on. */
const RESERVED = ['messages', 'model', 'stream'];

const body = jsonObject.refine((given) => !RESERVED.some((name) => name in given), {
  error: `must not contain ${RESERVED.join(', ')}: Parley sets them`,
});

/** The settings of the provider, without those of which others depend. */
export const providerSettings = {
  OPENAI_API_KEY: apiKey.optional(),
  OPENAI_BASE_URL: baseUrl.optional(),
  OPENAI_MODEL: z.string().default('gpt-4o-mini'),
  OPENAI_MODEL_TITLES: z.string().optional(),
  OPENAI_MODEL_MEMORY: z.string().optional(),
  OPENAI_FALLBACK_API_KEY: apiKey.optional(),
  OPENAI_FALLBACK_BASE_URL: baseUrl.optional(),
  OPENAI_FALLBACK_MODEL: z.string().optional(),
  OPENAI_EXTRA_HEADERS: headers.default({}),
  OPENAI_EXTRA_BODY: body.default({}),
  AZURE_OPENAI_API_VERSION: z
    .string()
    .regex(/^[\w.-]+$/, 'invalid version; use one such as 2024-10-21')
    .optional(),
  TEMPERATURE: z
    .string()
    .refine((text) => Number(text) >= 0 && Number(text) <= 2, 'invalid number; use one from 0 to 2')
    .transform(Number)
    .optional(),
  REASONING_EFFORT: z
    .string()
    .regex(/^[a-z]+$/, 'invalid effort; use one that your model knows, such as low, medium or high')
    .optional(),
  HTTP_PROXY: httpUrl.optional(),
  HTTPS_PROXY: httpUrl.optional(),
  NO_PROXY: z.string().optional(),
};

interface ProviderValues extends z.infer<z.ZodObject<typeof providerSettings>> {
  OPENAI_TIMEOUT: number;
  OPENAI_MAX_RETRIES: number;
  MAX_OUTPUT_TOKENS: number;
}

export const toProxy = ({ HTTP_PROXY, HTTPS_PROXY, NO_PROXY }: ProxyConfiguration): ProxyConfiguration => ({
  ...(HTTP_PROXY && { HTTP_PROXY }),
  ...(HTTPS_PROXY && { HTTPS_PROXY }),
  ...(NO_PROXY && { NO_PROXY }),
});

/** Returns null if no provider is configured. */
export function toProviders(values: ProviderValues): ProvidersConfiguration | null {
  const { OPENAI_API_KEY: key, OPENAI_BASE_URL: url, OPENAI_MODEL: model } = values;
  if (!key && !url) return null;
  const provider: ProviderConfiguration = {
    apiKey: key ?? null,
    baseUrl: url ?? null,
    model,
    timeout: values.OPENAI_TIMEOUT,
    maxRetries: values.OPENAI_MAX_RETRIES,
    maxOutputTokens: values.MAX_OUTPUT_TOKENS,
    temperature: values.TEMPERATURE ?? null,
    reasoningEffort: values.REASONING_EFFORT ?? null,
    extraHeaders: values.OPENAI_EXTRA_HEADERS,
    extraBody: values.OPENAI_EXTRA_BODY,
    azureApiVersion: values.AZURE_OPENAI_API_VERSION ?? null,
    proxy: toProxy(values),
  };
  return {
    ...provider,
    fallback: toFallback(provider, values),
    titleModel: values.OPENAI_MODEL_TITLES ?? model,
    memoryModel: values.OPENAI_MODEL_MEMORY ?? model,
  };
}

/** Another server receives neither the key of the first one nor what is sent to that one in addition. */
function toFallback(
  provider: ProviderConfiguration,
  {
    OPENAI_FALLBACK_API_KEY: key,
    OPENAI_FALLBACK_BASE_URL: url,
    OPENAI_FALLBACK_MODEL: model = provider.model,
  }: ProviderValues,
): ProviderConfiguration | null {
  if (!key && !url && model === provider.model) return null;
  if (!key && (!url || url === provider.baseUrl)) return { ...provider, model };
  const { timeout, maxRetries, maxOutputTokens, temperature, proxy } = provider;
  const own = { timeout, maxRetries, maxOutputTokens, temperature, proxy };
  return { ...NO_EXTRAS, ...own, apiKey: key ?? null, baseUrl: url ?? null, model };
}
