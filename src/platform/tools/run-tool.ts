import type { z } from 'zod';
import { isRecord } from '../json/is-record.js';
import type { Logger } from '../telemetry/log.js';
import { ToolError, type Tool, type ToolContext } from './tool.js';

/** The maximum length of a result as JSON, in bytes. */
export const MAX_RESULT_BYTES = 64 * 1024;

/** What the model is told when a call was stopped before it had a result. */
export const INTERRUPTED_RESULT = toErrorResult('interrupted');

export interface ToolOutcome {
  isSuccess: boolean;
  /** For metrics. */
  outcome: 'ok' | 'invalid' | 'interrupted' | 'timeout' | 'error';
  /** A JSON document. */
  result: string;
}

/** Arguments as the model gave them, read. */
export type ToolArguments =
  { isValid: true; value: Record<string, unknown>; json: string } | { isValid: false; json: string };

/** Reads arguments, which must be a JSON object. Some models write the object as a JSON string once more. */
export function readArguments(given: string): ToolArguments {
  const value = parseOrNull(given);
  if (isRecord(value)) return { isValid: true, value, json: given };
  const inner = typeof value === 'string' ? parseOrNull(value) : null;
  return isRecord(inner) ? { isValid: true, value: inner, json: value as string } : { isValid: false, json: given };
}

/**
 * Runs a tool with arguments that a model has written. It does not throw: what fails becomes a result that the model
 * reads. It resolves at the deadline or when the signal aborts, even if the tool goes on.
 * @param tool undefined if the model named none that it was offered
 */
export async function runTool(
  tool: Tool | undefined,
  given: ToolArguments,
  context: ToolContext,
  log: Logger,
): Promise<ToolOutcome> {
  if (!tool) return fail('There is no tool with this name.', 'invalid');
  if (!given.isValid) return fail('The arguments are not a JSON object.', 'invalid');
  const input = tool.input.safeParse(given.value);
  if (!input.success) return fail(`Invalid arguments. ${describe(input.error)}`, 'invalid');
  const deadline = AbortSignal.timeout(tool.timeoutMs);
  const signal = AbortSignal.any([context.signal, deadline]);
  try {
    const value = await raceAbort(tool.run(input.data, { ...context, signal }), signal);
    return succeed(value);
  } catch (error) {
    if (context.signal.aborted) return { isSuccess: false, outcome: 'interrupted', result: INTERRUPTED_RESULT };
    if (deadline.aborted) return fail('The look-up took too long.', 'timeout');
    if (error instanceof ToolError) return fail(error.message);
    const { callId, userId, conversationId } = context;
    log.warn({ err: error, tool: tool.name, callId, userId, conversationId }, 'A tool failed.');
    return fail('The look-up failed.');
  }
}

function succeed(value: unknown): ToolOutcome {
  const result = JSON.stringify(value ?? null);
  if (Buffer.byteLength(result) > MAX_RESULT_BYTES) return fail('The result is too long. Ask for less.');
  return { isSuccess: true, outcome: 'ok', result };
}

const fail = (message: string, outcome: ToolOutcome['outcome'] = 'error'): ToolOutcome => ({
  isSuccess: false,
  outcome,
  result: toErrorResult(message),
});

export function toErrorResult(message: string): string {
  return JSON.stringify({ error: message });
}

/** The first mistakes, with their paths. */
const describe = (error: z.ZodError): string =>
  error.issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ')
    .slice(0, 1_000);

function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new Error('The call was aborted.'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}

function parseOrNull(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
