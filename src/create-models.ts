import { DEMO_MODEL, startDemoServer } from './demo/demo-server.js';
import type { Configuration } from './platform/config/configuration.js';
import {
  forModel,
  NO_EXTRAS,
  type ProviderConfiguration,
  type ProvidersConfiguration,
} from './platform/config/provider.js';
import type { Disposables } from './platform/lifecycle/disposables.js';
import { CallScheduler } from './platform/model/call-scheduler.js';
import type { LearnedCapability } from './platform/model/capabilities.js';
import type { ChatModel } from './platform/model/chat-model.js';
import { FallbackChatModel } from './platform/model/fallback-chat-model.js';
import { MeasuredChatModel } from './platform/model/measured-chat-model.js';
import { OpenAIChatModel } from './platform/model/openai-chat-model.js';
import type { ProviderHealth } from './platform/model/provider-health.js';
import { ScheduledChatModel } from './platform/model/scheduled-chat-model.js';
import { TracedChatModel } from './platform/model/traced-chat-model.js';
import type { Logger } from './platform/telemetry/log.js';
import type { Metrics } from './platform/telemetry/metrics.js';
import type { OpenTelemetry } from './platform/telemetry/open-telemetry.js';

/** How long an answer may have no output before the background calls beside it are dropped. */
const MAX_PATIENCE_MS = 1_000;

/** Settings that are left out if the provider refuses them. */
const REFUSED_SETTINGS: Partial<Record<LearnedCapability['capability'], string>> = {
  temperature: 'TEMPERATURE',
  reasoningEffort: 'REASONING_EFFORT',
};

export interface Models {
  /** The model that answers, without its fallback and its measurements. */
  openAI: OpenAIChatModel;
  answers: ChatModel;
  titles: ChatModel;
  memory: ChatModel;
}

interface Dependencies {
  metrics: Metrics;
  log: Logger;
  health: ProviderHealth;
  /** Null unless traces are exported. */
  tracing: OpenTelemetry | null;
}

/** Creates the models of the configured provider, or of the built-in demo model. */
export async function createModels(
  config: Configuration,
  { metrics, log, health, tracing }: Dependencies,
  opened: Disposables,
): Promise<Models> {
  if (!config.provider && config.environment === 'production')
    log.warn('No provider is configured: the demo model answers. Set OPENAI_API_KEY or OPENAI_BASE_URL.');
  const provider = config.provider ?? toDemo(opened.use(await startDemoServer()).baseUrl);

  const scheduler = createScheduler(config, provider.timeout, metrics);
  const open = (one: ProviderConfiguration): OpenAIChatModel => {
    const { baseUrl, model } = one;
    const onLearned = ({ capability, value }: LearnedCapability) => {
      metrics.learnedCapabilities.inc({ capability });
      const line = { baseUrl, model, capability, value };
      const setting = REFUSED_SETTINGS[capability];
      if (setting) log.warn({ ...line, setting }, 'The provider refuses a setting: it is no longer sent. Remove it.');
      else log.info(line, 'Learned a capability of the provider.');
    };
    return opened.use(new OpenAIChatModel(one, onLearned));
  };
  const openAI = open(provider);
  const fallback = provider.fallback && open(provider.fallback);
  const complete = (model: ChatModel, name: string): ChatModel => {
    const onFallback = (error: Error) => {
      metrics.providerFallbacks.inc();
      log.warn({ err: error, model: provider.fallback?.model }, 'The provider failed; calling the fallback.');
    };
    const reliable = fallback ? new FallbackChatModel(model, fallback, onFallback) : model;
    const measured = new MeasuredChatModel(reliable, metrics, log, health);
    const observed = tracing ? new TracedChatModel(measured, name, tracing) : measured;
    return new ScheduledChatModel(observed, scheduler);
  };
  const byName = new Map([[provider.model, complete(openAI, provider.model)]]);
  const get = (model: string): ChatModel => {
    const known = byName.get(model) ?? complete(open(forModel(provider, model)), model);
    byName.set(model, known);
    return known;
  };
  return { openAI, answers: get(provider.model), titles: get(provider.titleModel), memory: get(provider.memoryModel) };
}

function createScheduler({ providerCalls }: Configuration, timeoutMs: number, metrics: Metrics): CallScheduler {
  const patienceMs = Math.min(MAX_PATIENCE_MS, timeoutMs / 4);
  const scheduler = new CallScheduler({ ...providerCalls, patienceMs }, () => metrics.droppedCalls.inc());
  metrics.gauge(
    'parley_answers_waiting',
    'Answers that wait because PROVIDER_CONCURRENCY calls are running.',
    () => scheduler.waitingAnswers,
  );
  metrics.gauge(
    'parley_background_calls_waiting',
    'Titles and metadata updates that wait for the provider.',
    () => scheduler.waitingBackgroundCalls,
  );
  return scheduler;
}

/** Returns how the built-in demo model is called. */
export const toDemo = (baseUrl: string): ProvidersConfiguration => ({
  ...NO_EXTRAS,
  apiKey: null,
  baseUrl,
  model: DEMO_MODEL,
  timeout: 60_000,
  maxRetries: 2,
  maxOutputTokens: 4_096,
  fallback: null,
  titleModel: DEMO_MODEL,
  memoryModel: DEMO_MODEL,
});
