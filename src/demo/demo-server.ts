import { setTimeout as sleep } from 'node:timers/promises';
import {
  startOpenAICompatibleServer,
  type ChatCompletionRequest,
  type ChatCompletionUsage,
  type CompletionReply,
} from './openai-compatible-server.js';
import { CONTINUATION } from '../memory/instructions.js';
import { demoAnswer } from './demo-answer.js';
import { readCommand } from './demo-commands.js';
import { planLookUp } from './demo-look-up.js';
import { demoMetadata, demoTitle } from './demo-memory.js';
import type { DemoScript } from './demo-script.js';

export const DEMO_MODEL = 'parley-demo';

/** How fast the demo answers: about as fast as a person reads. */
export const READING_PACE = { firstTokenDelayMs: 350, tokenIntervalMs: 35 };

export type Pace = typeof READING_PACE;

/** Starts the model that answers if no provider is configured: a script behind the API of a real provider. */
export const startDemoServer = (pace: Pace = READING_PACE) =>
  startOpenAICompatibleServer(DEMO_MODEL, (request, reply) => answerAsDemo(request, reply, pace));

/** Longer than the server waits for a provider, so that a requested failure is shown instead of retried. */
const RETRY_AFTER = { 'retry-after': '3600' };

/** Answers a request as the demo model does. */
export async function answerAsDemo(request: ChatCompletionRequest, reply: CompletionReply, pace: Pace): Promise<void> {
  const script = scriptFor(request);
  try {
    await play(script, reply, request.stream && !request.response_format ? pace : null);
  } catch (error) {
    // The client has disconnected, so no answer is needed.
    if (!reply.signal.aborted) throw error;
    return;
  }
  const { end = 'stop', call } = script;
  if (call) {
    reply.toolCall(call.name, call.arguments);
    reply.finish('tool_calls', estimateUsage(request, script.text + JSON.stringify(call)));
  } else if (end === 'break') reply.breakOff();
  else if (typeof end === 'object') reply.fail(end.status, end, RETRY_AFTER);
  else reply.finish(end, estimateUsage(request, (script.reasoning ?? '') + script.text));
}

function scriptFor(request: ChatCompletionRequest): DemoScript {
  const json = answerStructured(request);
  if (json !== null) return { text: json };
  const question = request.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  if (question === CONTINUATION) return { text: ' … and goes on here, to its end.' };
  return readCommand(question) ?? planLookUp(request) ?? { text: demoAnswer(request.messages) };
}

/** @param pace null sends everything at once */
async function play({ reasoning = '', text, slowness = 1 }: DemoScript, reply: CompletionReply, pace: Pace | null) {
  const pause = async (duration: number) => {
    if (pace) await sleep(duration * slowness, undefined, { signal: reply.signal });
  };
  await pause(pace?.firstTokenDelayMs ?? 0);
  for (const token of splitTokens(reasoning)) {
    reply.reasoning(token);
    await pause(pace?.tokenIntervalMs ?? 0);
  }
  for (const token of splitTokens(text)) {
    reply.delta(token);
    await pause(pace?.tokenIntervalMs ?? 0);
  }
}

/** Returns the JSON that a json_schema response format requests, or null if the request has none. */
function answerStructured({ response_format: format, messages }: ChatCompletionRequest): string | null {
  if (format?.type !== 'json_schema') return null;
  if (format.json_schema?.name.includes('title')) {
    return JSON.stringify({ title: demoTitle(messages.findLast(({ role }) => role === 'user')?.content ?? '') });
  }
  return JSON.stringify(demoMetadata(messages));
}

/** Returns the words with the space before them, like the tokens of a model. */
const splitTokens = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];

function estimateUsage(request: ChatCompletionRequest, text: string): ChatCompletionUsage {
  const prompt = request.messages.reduce((sum, { content }) => sum + estimateTokens(content) + 4, 3);
  const completion = estimateTokens(text);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** Four characters per token is the usual estimate for English. */
const estimateTokens = (text: string): number => Math.ceil(text.length / 4);
