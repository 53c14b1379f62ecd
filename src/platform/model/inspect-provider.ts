import { closestMatch } from 'leven';
import type { ProviderConfiguration } from '../config/provider.js';
import type { Logger } from '../telemetry/log.js';
import { ModelError } from './chat-model.js';
import { findModel, parseContextOfProps, parseModelList, type ListedModel } from './model-list.js';
import { ProviderError } from './provider-error.js';
import type { ProviderHealth } from './provider-health.js';

/** How long the provider may take for each response. */
const TIMEOUT_MS = 10_000;

export interface InspectionOptions {
  provider: ProviderConfiguration;
  /** CONTEXT_TOKENS. */
  contextTokens: number;
  /** Requests a path of the provider, or another URL of its server. @throws ModelError */
  fetchJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  learnContextTokens: (tokens: number) => void;
  health: ProviderHealth;
  log: Logger;
  /** Aborted when the server closes. */
  signal: AbortSignal;
}

/**
 * Requests the provider's list of models and logs what to change if the provider is unreachable, refuses the key or does
 * not list the model. Takes over the size of the context. A provider without a list is not a mistake.
 */
export async function inspectProvider(options: InspectionOptions): Promise<void> {
  const { provider, fetchJson, health, signal } = options;
  const log = options.log.child({ baseUrl: provider.baseUrl, model: provider.model });
  const fetch = (path: string) => fetchJson(path, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
  try {
    const list = parseModelList(await fetch('/models'));
    if (!list || list.length === 0) return;
    health.reportSuccess();
    const model = findModel(list, provider.model);
    if (!model) return log.warn({ setting: 'OPENAI_MODEL' }, describeMissing(list, provider.model));
    const tokens = (model.isOnlyModel ? await readProps(provider.baseUrl, fetch) : null) ?? model.contextTokens;
    log.info({ contextTokens: tokens }, 'The provider lists the model.');
    if (tokens !== null) takeOver(tokens, options, log);
  } catch (error) {
    if (!signal.aborted) logFailure(error, options, log);
  }
}

function takeOver(tokens: number, { contextTokens, learnContextTokens }: InspectionOptions, log: Logger): void {
  learnContextTokens(tokens);
  if (tokens < contextTokens)
    log.warn(
      { setting: 'CONTEXT_TOKENS', contextTokens: tokens },
      `The context of the model has ${tokens} tokens, fewer than CONTEXT_TOKENS. Prompts are shortened to it.`,
    );
}

/** llama.cpp reports what the model was trained with; `/props` says what the server was started with. */
async function readProps(baseUrl: string | null, fetch: (path: string) => Promise<unknown>): Promise<number | null> {
  if (baseUrl === null) return null;
  return parseContextOfProps(await fetch(new URL('/props', baseUrl).href).catch(() => null));
}

function describeMissing(list: readonly ListedModel[], name: string): string {
  const ids = list.map(({ id }) => id);
  const examples = [...new Set([closestMatch(name, ids), ...ids])].slice(0, 3);
  return `The provider does not list the model ${name}: set OPENAI_MODEL to one that it lists, such as ${examples.join(', ')}.`;
}

/** A status such as 404 means that the provider has no list; 403, that the key may not read it. */
function logFailure(error: unknown, { provider, health }: InspectionOptions, log: Logger): void {
  if (!(error instanceof ModelError)) return log.debug({ err: error }, 'The provider sent no list of models.');
  const status = error.cause instanceof ProviderError ? error.cause.status : null;
  if (status === 401) {
    health.reportFailure(error);
    const advice = provider.apiKey === null ? 'requires an API key: set' : 'rejects the API key: correct';
    return log.error({ setting: 'OPENAI_API_KEY' }, `The provider ${advice} OPENAI_API_KEY.`);
  }
  if (status === 404 && provider.baseUrl !== null && new URL(provider.baseUrl).pathname === '/')
    return log.warn(
      { setting: 'OPENAI_BASE_URL' },
      'The provider has no list of models at this URL: OPENAI_BASE_URL usually ends with /v1.',
    );
  if (status === null || (status >= 500 && status !== 501)) {
    health.reportFailure(error);
    log.warn(
      { err: error, setting: 'OPENAI_BASE_URL' },
      'Could not reach the provider: start it, or correct OPENAI_BASE_URL.',
    );
  }
}
