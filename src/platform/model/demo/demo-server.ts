import { setTimeout as sleep } from 'node:timers/promises';
import {
  startCompatibleServer,
  type ChatCompletionRequest,
  type ChatCompletionUsage,
  type CompletionReply,
} from '../compatible-server.js';
import { demoAnswer } from './demo-answer.js';
import { demoMetadata, demoTitle } from './demo-memory.js';

export const DEMO_MODEL = 'parley-demo';

/** How long the demo takes before its first token and between two, in milliseconds: a human's reading pace. */
export const HUMAN_PACE = { first: 350, between: 35 };

export type Pace = typeof HUMAN_PACE;

/** The model that answers while no provider is set: a script behind the same API that a real provider has. */
export const startDemoServer = (pace: Pace = HUMAN_PACE) =>
  startCompatibleServer(DEMO_MODEL, (request, reply) => answerAsDemo(request, reply, pace));

/** Answers a request as the demo model does. */
export async function answerAsDemo(request: ChatCompletionRequest, reply: CompletionReply, pace: Pace): Promise<void> {
  const text = structured(request) ?? demoAnswer(request.messages);
  const usage = usageOf(request, text);
  if (!request.stream) {
    reply.delta(text);
    return reply.finish('stop', usage);
  }
  try {
    await sleep(pace.first, undefined, { signal: reply.signal });
    for (const token of tokensOf(text)) {
      reply.delta(token);
      await sleep(pace.between, undefined, { signal: reply.signal });
    }
    reply.finish('stop', usage);
  } catch (error) {
    // The client has gone: nobody is left to answer.
    if (!reply.signal.aborted) throw error;
  }
}

/** The JSON that a json_schema response format asks for, or null where none is asked. */
function structured({ response_format: format, messages }: ChatCompletionRequest): string | null {
  if (format?.type !== 'json_schema') return null;
  if (format.json_schema?.name.includes('title')) {
    return JSON.stringify({ title: demoTitle(messages.findLast(({ role }) => role === 'user')?.content ?? '') });
  }
  return JSON.stringify(demoMetadata(messages));
}

/** Words with the space before them, as models' tokens are. */
const tokensOf = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];

function usageOf(request: ChatCompletionRequest, text: string): ChatCompletionUsage {
  const prompt = request.messages.reduce((sum, { content }) => sum + roughTokens(content) + 4, 3);
  const completion = roughTokens(text);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** Four characters a token is the usual rule of thumb for English. */
const roughTokens = (text: string): number => Math.ceil(text.length / 4);
