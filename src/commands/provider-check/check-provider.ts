import { getInstructions } from '../../memory/instructions.js';
import type { Configuration } from '../../platform/config/configuration.js';
import { forModel, type ProviderConfiguration, type ProvidersConfiguration } from '../../platform/config/provider.js';
import { Disposables } from '../../platform/lifecycle/disposables.js';
import { addUsage } from '../../platform/model/usage.js';
import type { Finding } from '../finding.js';
import { inspect, type Inspection } from '../inspect.js';
import { checkAnswer } from './check-answer.js';
import { checkStop } from './check-stop.js';
import { checkMetadata, checkTitle } from './check-structured.js';
import { checkToolCall } from './check-tool-call.js';
import { describeFailure, type SettingNames } from './describe-failure.js';
import { Probe } from './probe.js';

const NAMES: SettingNames = { key: 'OPENAI_API_KEY', baseUrl: 'OPENAI_BASE_URL', model: 'OPENAI_MODEL' };
const FALLBACK_NAMES: SettingNames = {
  key: 'OPENAI_FALLBACK_API_KEY',
  baseUrl: 'OPENAI_FALLBACK_BASE_URL',
  model: 'OPENAI_FALLBACK_MODEL',
};

export interface ProviderCheck {
  findings: Finding[];
  /** The requests for completions. */
  calls: number;
  tokens: number;
}

/** Asks a provider in every way in which the server asks it. */
export async function checkProvider(config: Configuration, provider: ProvidersConfiguration): Promise<ProviderCheck> {
  await using opened = new Disposables();
  const probes = new Map<string, Probe>();
  const open = (model: string): Probe => {
    const probe = probes.get(model) ?? opened.use(new Probe(forModel(provider, model)));
    probes.set(model, probe);
    return probe;
  };
  const fallback = provider.fallback && opened.use(new Probe(provider.fallback));
  const findings = await checkAll(config, provider, open, fallback);
  const all = [...probes.values(), ...(fallback ? [fallback] : [])];
  const usage = all.reduce((sum, probe) => addUsage(sum, probe.usage), null as Probe['usage']);
  return {
    findings,
    calls: all.reduce((sum, { calls }) => sum + calls, 0),
    tokens: usage ? usage.promptTokens + usage.completionTokens : 0,
  };
}

async function checkAll(
  config: Configuration,
  { model, titleModel, memoryModel }: ProvidersConfiguration,
  open: (model: string) => Probe,
  fallback: Probe | null,
): Promise<Finding[]> {
  const instructions = getInstructions(config.assistant);
  const probe = open(model);
  const inspection = await inspect(probe.model, probe.provider, 0);
  const listed = describeInspection(inspection, probe.provider);
  const checkFallback = async (): Promise<Finding[]> =>
    fallback ? [await attempt('Fallback', fallback, FALLBACK_NAMES, () => checkWhole(fallback, instructions))] : [];
  // Each call would wait for what cannot be reached.
  if (listed.state === 'failed') return [listed, ...(await checkFallback())];
  let answer: Finding[];
  try {
    answer = await checkAnswer(probe, instructions);
  } catch (error) {
    const failed: Finding = {
      subject: 'Answer',
      state: 'failed',
      ...describeFailure(error, probe.provider, NAMES),
    };
    return [listed, failed, ...(await checkFallback())];
  }
  const { contextTokens } = config.memory;
  const [titles, memory] = [open(titleModel), open(memoryModel)];
  return [
    listed,
    ...answer,
    describeContext(inspection.contextTokens, contextTokens),
    await attempt('Titles', titles, { ...NAMES, model: 'OPENAI_MODEL_TITLES' }, () => checkTitle(titles)),
    await attempt('Memory', memory, { ...NAMES, model: 'OPENAI_MODEL_MEMORY' }, () =>
      checkMetadata(memory, contextTokens),
    ),
    await checkToolCall(probe),
    await attempt('Stop', probe, NAMES, () => checkStop(probe)),
    ...(await checkFallback()),
  ];
}

async function attempt(
  subject: string,
  { provider }: Probe,
  names: SettingNames,
  check: () => Promise<Finding>,
): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    return { subject, state: 'failed', ...describeFailure(error, provider, names) };
  }
}

/** Checks the fallback with one answer: it learns the rest when it is called. */
async function checkWhole(probe: Probe, instructions: string): Promise<Finding> {
  const [answer] = await checkAnswer(probe, instructions);
  return { ...answer!, subject: 'Fallback', way: 'called after 429, 5xx and timeouts before the first token' };
}

function describeInspection({ advice, status }: Inspection, { model }: ProviderConfiguration): Finding {
  const subject = 'Model';
  if (advice) return { subject, state: advice.isError ? 'failed' : 'warning', text: advice.text };
  if (status === 'ok') return { subject, state: 'ok', text: `${model} is listed` };
  return { subject, state: 'skipped', text: 'the provider lists no models' };
}

function describeContext(tokens: number | null, configured: number): Finding {
  const subject = 'Context';
  const set = `CONTEXT_TOKENS=${configured}`;
  if (tokens === null)
    return { subject, state: 'skipped', text: 'not reported', way: `it must hold ${set} and the answer` };
  const text = `${tokens} tokens`;
  return tokens < configured
    ? { subject, state: 'warning', text, way: `prompts are shortened to it; ${set} is larger` }
    : { subject, state: 'ok', text, way: `prompts have at most ${set}` };
}
