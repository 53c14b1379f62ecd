import { ModelError, type CompletionUsage, type ModelErrorCode, type PromptMessage } from './chat-model.js';
import { countPromptTokens } from './openai-request.js';
import { countTokens } from './tokens.js';

/** Adds the usage of two calls; null is a call that cost nothing or reported nothing. */
export function addUsage(a: CompletionUsage | null, b: CompletionUsage): CompletionUsage;
export function addUsage(a: CompletionUsage | null, b: CompletionUsage | null): CompletionUsage | null;
export function addUsage(a: CompletionUsage | null, b: CompletionUsage | null): CompletionUsage | null {
  if (!a || !b) return a ?? b;
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    estimated: a.estimated || b.estimated,
  };
}

/** Runs a call; if it fails, the usage of the calls before it is added to the error's. */
export async function failWithUsage<T>(before: CompletionUsage | null, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof ModelError ? error.withUsage(addUsage(before, error.usage)) : error;
  }
}

/** Estimates the usage of a call for which the provider reported none. */
export const estimateUsage = (prompt: readonly PromptMessage[], text: string): CompletionUsage => ({
  promptTokens: countPromptTokens(prompt),
  completionTokens: countTokens(text),
  estimated: true,
});

const COMPLETED: ReadonlySet<ModelErrorCode> = new Set(['PROVIDER_EMPTY', 'OUTPUT_LIMIT']);

/** Whether the provider has completed a failed call, so that it has cost tokens. Others without output may be free. */
export const isCompletedCall = (error: unknown): boolean => error instanceof ModelError && COMPLETED.has(error.code);

/** Adds an estimate to the error of a call that has cost tokens, if the provider reported no usage. */
export function withEstimate(error: unknown, prompt: readonly PromptMessage[], output: string): unknown {
  if (!(error instanceof ModelError) || error.usage || (output === '' && !isCompletedCall(error))) return error;
  return error.withUsage(estimateUsage(prompt, output));
}
