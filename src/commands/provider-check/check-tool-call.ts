import { isRecord } from '../../platform/json/is-record.js';
import { EventStreamReader } from '../../platform/model/event-stream-reader.js';
import { toModelError } from '../../platform/model/openai-errors.js';
import { findProviderError, ProviderError } from '../../platform/model/provider-error.js';
import type { Finding } from '../finding.js';
import type { Probe } from './probe.js';

const SUBJECT = 'Tool calls';

/** More than this is not read. */
const MAX_BYTES = 1_000_000;

const TOOL = {
  type: 'function' as const,
  function: {
    name: 'find_products',
    description: 'Finds products of the shop.',
    parameters: {
      type: 'object',
      properties: { query: { type: 'string' } },
      required: ['query'],
      additionalProperties: false,
    },
  },
};

/** Offers the model a tool, and reports whether it calls it. Answers do not depend on it, so a failure is not a mistake. */
export async function checkToolCall(probe: Probe): Promise<Finding> {
  try {
    const call = await requestToolCall(probe);
    const isValid = call?.name === TOOL.function.name && isRecord(parseOrNull(call.arguments));
    if (isValid) return { subject: SUBJECT, state: 'ok', text: 'streamed', way: 'the assistant looks products up' };
    const way = 'the assistant answers without looking products up';
    return { subject: SUBJECT, state: 'warning', text: call ? 'not valid' : 'none', way };
  } catch (error) {
    const { code, cause } = toModelError(error);
    const status = cause instanceof ProviderError && cause.status !== null ? ` (${cause.status})` : '';
    const way = 'suitable products are put into the prompt';
    return { subject: SUBJECT, state: 'warning', text: `none: ${code}${status}`, way };
  }
}

async function requestToolCall({ model, provider, onAttempt }: Probe): Promise<ToolCall | null> {
  onAttempt();
  const body = {
    model: provider.model,
    messages: [{ role: 'user' as const, content: 'Which tents do you sell? Look it up with the tool.' }],
    stream: true as const,
    tools: [TOOL],
    ...provider.extraBody,
  };
  const call: ToolCall = { name: '', arguments: '' };
  const events = new EventStreamReader(({ data }) => readChunk(parseOrNull(data), call));
  let size = 0;
  for await (const bytes of await model.open(body, AbortSignal.timeout(provider.timeout))) {
    size += (bytes as Buffer).length;
    if (size > MAX_BYTES) break;
    events.write(bytes as Buffer);
  }
  return call.name === '' ? null : call;
}

interface ToolCall {
  name: string;
  /** JSON. */
  arguments: string;
}

interface Chunk {
  choices?: { delta?: { tool_calls?: { function?: { name?: unknown; arguments?: unknown } }[] } }[];
}

/** Adds the part of the first tool call that a chunk contains. @throws ProviderError */
function readChunk(chunk: unknown, call: ToolCall): void {
  const error = findProviderError(chunk);
  if (error) throw error;
  const part = (chunk as Chunk | null)?.choices?.[0]?.delta?.tool_calls?.[0]?.function;
  if (typeof part?.name === 'string') call.name += part.name;
  if (typeof part?.arguments === 'string') call.arguments += part.arguments;
}

function parseOrNull(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
