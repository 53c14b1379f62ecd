import type { ProviderConfiguration } from '../platform/config/provider.js';
import { inspectProvider } from '../platform/model/inspect-provider.js';
import type { OpenAIChatModel } from '../platform/model/openai-chat-model.js';
import { ProviderHealth, type ProviderStatus } from '../platform/model/provider-health.js';
import { createLog } from '../platform/telemetry/log.js';

/** Levels of pino. */
const WARN = 40;
const ERROR = 50;

/** What the list of models shows. */
export interface Inspection {
  /** The most important thing to change, or null. */
  advice: { text: string; isError: boolean } | null;
  status: ProviderStatus;
  /** Null if the provider does not report it. */
  contextTokens: number | null;
}

/**
 * Looks at a provider as the server does after its start, and returns what that would log. It costs nothing.
 * @param contextTokens a smaller context is reported
 */
export async function inspect(
  model: OpenAIChatModel,
  provider: ProviderConfiguration,
  contextTokens: number,
): Promise<Inspection> {
  const health = new ProviderHealth();
  const lines: { level: number; msg: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) };
  let learned: number | null = null;
  await inspectProvider({
    provider,
    contextTokens,
    fetchJson: (path, signal) => model.fetchJson(path, signal),
    learnContextTokens(tokens) {
      learned = tokens;
      model.learnContextTokens(tokens);
    },
    health,
    log: createLog({ level: 'info', format: 'json', secrets: provider.apiKey ? [provider.apiKey] : [], destination }),
    signal: new AbortController().signal,
  });
  const worst = lines.filter(({ level }) => level >= WARN).toSorted((a, b) => b.level - a.level)[0];
  const isError = worst !== undefined && (worst.level >= ERROR || health.status === 'unreachable');
  return { advice: worst ? { text: worst.msg, isError } : null, status: health.status, contextTokens: learned };
}
