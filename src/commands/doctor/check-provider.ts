import type { Configuration } from '../../platform/config/configuration.js';
import { inspectProvider } from '../../platform/model/inspect-provider.js';
import { OpenAIChatModel } from '../../platform/model/openai-chat-model.js';
import { ProviderHealth } from '../../platform/model/provider-health.js';
import { createLog } from '../../platform/telemetry/log.js';
import type { Finding } from './finding.js';

const SUBJECT = 'Provider';

/** Levels of pino. */
const WARN = 40;
const ERROR = 50;

/** Looks at the provider as the server does after its start, and reports what that would log. */
export async function checkProvider({ provider, memory }: Configuration): Promise<Finding> {
  if (!provider) return { subject: SUBJECT, state: 'skipped', text: 'the built-in demo model' };
  using model = new OpenAIChatModel(provider);
  const health = new ProviderHealth();
  const lines: { level: number; msg: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) };
  await inspectProvider({
    provider,
    contextTokens: memory.contextTokens,
    fetchJson: (path, signal) => model.fetchJson(path, signal),
    learnContextTokens: () => {},
    health,
    log: createLog({ level: 'info', format: 'json', secrets: provider.apiKey ? [provider.apiKey] : [], destination }),
    signal: new AbortController().signal,
  });
  const worst = lines.toSorted((a, b) => b.level - a.level)[0];
  if (worst && worst.level >= WARN) {
    const hasFailed = worst.level >= ERROR || health.status === 'unreachable';
    return { subject: SUBJECT, state: hasFailed ? 'failed' : 'warning', text: worst.msg };
  }
  if (health.status === 'ok')
    return { subject: SUBJECT, state: 'ok', text: `accepts the key, and lists the model ${provider.model}` };
  return { subject: SUBJECT, state: 'warning', text: 'has no list of models: ask a question to check key and model' };
}
