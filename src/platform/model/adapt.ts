import { STRUCTURED_MODES, type Capabilities } from './capabilities.js';
import { ModelError } from './chat-model.js';
import { ProviderError } from './provider-error.js';
import { readTokenLimits } from './token-limits.js';

/** Fewer tokens than this are not worth an answer. */
const MIN_OUTPUT_TOKENS = 16;

/** The words of the chat templates of Gemma and Mistral models, of Gemini and of OpenAI. */
const SYSTEM_ROLE = /system role|developer instruction|roles must alternate|does not support 'system'|"system" role/i;

/** The words of Ollama, vLLM, llama.cpp, OpenRouter, DeepSeek and Gemini, and the names of the parameters. */
const TOOLS =
  /\btools?\b|tool[_ -]?(choice|calls?|calling|use)|function[_ -]?call(ing|s)?|\bfunctions\b|--enable-auto-tool-choice/i;
const TOOL_STATUSES: ReadonlySet<number | null> = new Set([400, 404, 422, 500, 501]);

/** How to repeat a request that was refused. */
export interface Adaptation {
  capabilities: Capabilities;
  /** The limit of the answer for this request only: what fits beside its prompt. */
  outputTokens?: number;
}

/** The parts of a refused request that may have caused the refusal. */
export interface RefusedRequest {
  isStructured: boolean;
  /** Whether it offered tools, if the provider accepts them. */
  hasTools: boolean;
  /** Whether it contained the `temperature` or the `reasoning_effort` of the settings. */
  hasTemperature: boolean;
  hasReasoningEffort: boolean;
  /** The limit of the answer; null if none was sent. */
  outputTokens: number | null;
  /** The parameter of that limit with which the first form of the request was sent. */
  firstLimitParameter: Capabilities['outputLimitParameter'];
}

/** Returns how to repeat a request that a provider refused, or null if the refusal is about something else. */
export function adaptToRefusal(error: unknown, capabilities: Capabilities, request: RefusedRequest): Adaptation | null {
  if (!(error instanceof ModelError) || !(error.cause instanceof ProviderError)) return null;
  const { status, details } = error.cause;
  // Some servers respond with 500 if a chat template fails.
  if (capabilities.systemRole && SYSTEM_ROLE.test(details))
    return { capabilities: { ...capabilities, systemRole: false } };
  const withoutTools =
    request.hasTools && isToolRefusal(error, status, details)
      ? { capabilities: { ...capabilities, tools: false } }
      : null;
  if (status !== 400 && status !== 422) return withoutTools;
  if (capabilities.streamOptions && /stream_options|include_usage/.test(details))
    return { capabilities: { ...capabilities, streamOptions: false } };
  if (request.hasTemperature && /\btemperature\b/.test(details))
    return { capabilities: { ...capabilities, temperature: false } };
  if (request.hasReasoningEffort && /\breasoning[_.]effort\b/.test(details))
    return { capabilities: { ...capabilities, reasoningEffort: false } };
  if (withoutTools) return withoutTools;
  if (request.outputTokens !== null) {
    const adaptation = adaptOutputLimit(details, capabilities, request.outputTokens, request.firstLimitParameter);
    if (adaptation) return adaptation;
  }
  // What providers say about response_format differs too much to be recognised.
  const looser = request.isStructured && error.code === 'PROVIDER_REJECTED' ? withLooserStructure(capabilities) : null;
  return looser && { capabilities: looser };
}

/** What is too long, filtered or not paid for may mention tools as well. */
const isToolRefusal = ({ code }: ModelError, status: number | null, details: string): boolean =>
  TOOL_STATUSES.has(status) && (code === 'PROVIDER_REJECTED' || code === 'PROVIDER_UNAVAILABLE') && TOOLS.test(details);

/** Returns the capabilities with the next way to request structured results, or null if there is none. */
export function withLooserStructure(capabilities: Capabilities): Capabilities | null {
  const structuredMode = STRUCTURED_MODES[STRUCTURED_MODES.indexOf(capabilities.structuredMode) + 1];
  return structuredMode ? { ...capabilities, structuredMode } : null;
}

function adaptOutputLimit(
  details: string,
  capabilities: Capabilities,
  requested: number,
  first: Capabilities['outputLimitParameter'],
): Adaptation | null {
  const { contextTokens, promptTokens, maxOutputTokens } = readTokenLimits(details);
  if (contextTokens !== null && promptTokens !== null) {
    const outputTokens = contextTokens - promptTokens;
    // Otherwise the prompt alone is too long.
    const fits = outputTokens >= MIN_OUTPUT_TOKENS && outputTokens < requested;
    return fits ? { capabilities: { ...capabilities, contextTokens }, outputTokens } : null;
  }
  if (maxOutputTokens !== null && maxOutputTokens < requested)
    return { capabilities: { ...capabilities, maxOutputTokens } };
  const parameter = capabilities.outputLimitParameter;
  if (!parameter || !details.includes(parameter)) return null;
  const other = parameter === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  const isOtherKnown = parameter === 'max_completion_tokens' || details.includes(other);
  // Otherwise the other one was refused before.
  const isOtherPossible = isOtherKnown && parameter === first;
  return { capabilities: { ...capabilities, outputLimitParameter: isOtherPossible ? other : null } };
}
