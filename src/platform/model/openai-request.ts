import type OpenAI from 'openai';
import type { ProviderConfiguration } from '../config/provider.js';
import type { Capabilities } from './capabilities.js';
import type { PromptMessage, StructuredFormat, ToolDefinition, ToolOffer } from './chat-model.js';
import { describeSchema, toResponseFormat } from './structured-output.js';
import { countTokens, TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT } from './tokens.js';

/** The provider's tokenizer may count this share more than ours. */
const TOKEN_TOLERANCE = 1.1;

/** The share of a small context that is left for the answer. */
const OUTPUT_SHARE = 0.25;

/** Builds the body of a request in the way that the provider accepts. */
export function buildRequestBody(
  { model, temperature, reasoningEffort, extraBody }: ProviderConfiguration,
  prompt: readonly PromptMessage[],
  { format, tools }: { format: StructuredFormat<unknown> | null; tools?: ToolOffer | undefined },
  capabilities: Capabilities,
  outputTokens: number | null,
): OpenAI.ChatCompletionCreateParamsStreaming {
  const { structuredMode, outputLimitParameter } = capabilities;
  const described = format && structuredMode !== 'json_schema' ? describeSchema(prompt, format) : prompt;
  const responseFormat = format && toResponseFormat(format, structuredMode);
  const messages = capabilities.systemRole ? described : withoutSystemRole(described);
  return {
    model,
    messages: messages.map(toWireMessage),
    stream: true,
    ...(capabilities.streamOptions ? { stream_options: { include_usage: true } } : {}),
    ...(outputLimitParameter && outputTokens !== null ? { [outputLimitParameter]: outputTokens } : {}),
    ...(responseFormat ? { response_format: responseFormat } : {}),
    // Some providers refuse calls in the prompt if no tools are sent, so they are sent when the model must answer, too.
    ...(tools && capabilities.tools ? { tools: tools.definitions.map(toWireTool), tool_choice: tools.choice } : {}),
    ...(temperature !== null && capabilities.temperature ? { temperature } : {}),
    ...(reasoningEffort !== null && capabilities.reasoningEffort
      ? { reasoning_effort: reasoningEffort as OpenAI.ReasoningEffort }
      : {}),
    ...extraBody,
  };
}

/** Returns the limit of an answer: what is configured, what the model allows, and what fits beside the prompt. */
export function limitOutputTokens(
  prompt: readonly PromptMessage[],
  { maxOutputTokens, contextTokens, outputLimitParameter }: Capabilities,
  configured: number,
): number | null {
  if (!outputLimitParameter) return null;
  const limit = Math.min(configured, maxOutputTokens ?? configured);
  if (contextTokens === null) return limit;
  const room = contextTokens - Math.ceil(countPromptTokens(prompt) * TOKEN_TOLERANCE);
  return Math.max(1, Math.min(limit, room));
}

/** Returns the maximum number of prompt tokens that leaves room for an answer; null if the context size is unknown. */
export function limitPromptTokens({ contextTokens }: Capabilities, maxOutputTokens: number): number | null {
  if (contextTokens === null) return null;
  const room = contextTokens - Math.min(maxOutputTokens, Math.floor(contextTokens * OUTPUT_SHARE));
  return Math.floor(room / TOKEN_TOLERANCE);
}

/** Counts the tokens of a prompt as OpenAI does; an estimate for other models. */
export const countPromptTokens = (prompt: readonly PromptMessage[]): number =>
  prompt.reduce((sum, message) => sum + countMessageTokens(message), TOKENS_PER_PROMPT);

/** Counts the tokens of a message with its calls of tools. */
export const countMessageTokens = ({ content, toolCalls = [] }: PromptMessage): number =>
  toolCalls.reduce(
    (sum, { name, arguments: given }) => sum + countTokens(name) + countTokens(given) + TOKENS_PER_MESSAGE,
    countTokens(content) + TOKENS_PER_MESSAGE,
  );

/** Counts the tokens of the definitions of tools; an estimate, because each provider writes them in its own way. */
export const countToolTokens = (definitions: readonly ToolDefinition[]): number =>
  definitions.reduce((sum, definition) => sum + countDefinitionTokens(definition) + TOKENS_PER_MESSAGE, 0);

/** The definitions are the same for each call of the model. */
const definitionTokens = new WeakMap<ToolDefinition, number>();

function countDefinitionTokens(definition: ToolDefinition): number {
  const tokens = definitionTokens.get(definition) ?? countTokens(JSON.stringify(definition));
  definitionTokens.set(definition, tokens);
  return tokens;
}

function toWireMessage({ role, content, toolCalls, toolCallId }: PromptMessage): OpenAI.ChatCompletionMessageParam {
  if (role === 'tool') return { role, content, tool_call_id: toolCallId! };
  if (role !== 'assistant' || !toolCalls) return { role, content };
  return {
    role,
    content: content === '' ? null : content,
    tool_calls: toolCalls.map(({ id, name, arguments: given, extraContent }) => ({
      id,
      type: 'function',
      function: { name, arguments: given },
      ...(extraContent === undefined ? {} : { extra_content: extraContent }),
    })),
  };
}

const toWireTool = ({ name, description, parameters }: ToolDefinition): OpenAI.ChatCompletionFunctionTool => ({
  type: 'function',
  function: { name, description, parameters },
});

/** Returns the prompt for a model that cannot call tools, with what it is told instead in its instructions. */
export function withoutTools(prompt: readonly PromptMessage[], instead: string): PromptMessage[] {
  const messages: PromptMessage[] = prompt.map(({ role, content, toolCallId }) =>
    toolCallId === undefined ? { role, content } : { role: 'user', content: `Result of a look-up:\n${content}` },
  );
  const [first] = messages;
  if (instead !== '' && first?.role === 'system') first.content = `${first.content}\n\n${instead}`;
  return messages.filter(({ content }) => content !== '');
}

/** Puts the instructions in front of the first user message. */
function withoutSystemRole(prompt: readonly PromptMessage[]): PromptMessage[] {
  const instructions = prompt.filter(({ role }) => role === 'system').map(({ content }) => content);
  const messages = prompt.filter(({ role }) => role !== 'system').map((message) => ({ ...message }));
  const first = messages.find(({ role }) => role === 'user');
  if (first) first.content = [...instructions, first.content].join('\n\n');
  else messages.unshift({ role: 'user', content: instructions.join('\n\n') });
  return messages;
}
