import { setTimeout as sleep } from 'node:timers/promises';
import type { CompletionHandler, CompletionReply } from '../../../src/demo/openai-compatible-server.js';
import { echo } from '../../attack/target.js';
import { Random } from '../random.js';
import { createText, createValue, mutate } from '../values.js';
import type { FuzzKind } from '../world.js';

/** How long an answer may take: the provider may be silent until OPENAI_TIMEOUT, and is asked again. */
const MAX_ANSWER_MS = 15_000;

const TOKENS = [
  'data:',
  'data: [DONE]\n\n',
  '\n\n',
  '\r\n',
  '\r',
  'event: error\n',
  ': comment\n',
  '{',
  '}',
  '"',
  'null',
  '[]',
  '\0',
  'id: 1\n',
  'retry: 1\n',
];

/** Questions name the case, from which the provider's behaviour follows. */
const QUESTION = /^fuzz (\d+) (\d+)/;

/** Asks a question, which the provider answers with malformed events. The answer has to end. */
export const fuzzProvider: FuzzKind = async (random, world, index) => {
  using client = world.createClient(random, { isSignedIn: true });
  const reply = await client.tryToAsk(`fuzz ${world.seed} ${index}`);
  world.checkReply(reply);
  const [, id] = /"answer":\{"id":"([^"]+)"/.exec(reply.body) ?? [];
  if (id === undefined) return;
  const query = `{ message(id: "${id}") { id status error { code } content } }`;
  const end = world.now() + MAX_ANSWER_MS + world.maxWaitMs;
  for (;;) {
    const message = await client.post(query);
    world.checkReply(message);
    // The user of the case may have been signed out or deleted by another one.
    if (!message.body.includes('"status":"STREAMING"')) return;
    if (world.now() > end) return void world.problems.push('an answer does not end');
    await sleep(50);
  }
};

/** The provider of the fuzzed server. */
export const answerFuzzed: CompletionHandler = async (request, reply) => {
  const text = request.messages.map(({ content }) => content).findLast((content) => QUESTION.test(content)) ?? '';
  const [, seed, index] = QUESTION.exec(text) ?? [];
  if (seed === undefined) return await echo(request, reply);
  const random = new Random(Number(seed), Number(index), request.response_format ? 1 : 2);
  if (random.chance(0.2)) return await echo(request, reply);
  await respond(random, reply);
};

async function respond(random: Random, reply: CompletionReply): Promise<void> {
  if (random.chance(0.15)) {
    const status = random.pick([400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 529]);
    const code = random.pick(['insufficient_quota', 'context_length_exceeded', 'x', null]);
    const headers: Record<string, string> = random.chance(0.5)
      ? { 'retry-after': random.pick(['0', '1', '-1', 'x', '99999']) }
      : {};
    return reply.fail(status, { message: createText(random).slice(0, 1_000), code }, headers);
  }
  for (let i = random.int(0, random.pick([3, 20, 200])); i > 0 && !reply.signal.aborted; i -= 1) {
    const event = createEvent(random);
    const text = random.chance(0.15) ? mutate(random, event, TOKENS) : event;
    // A piece of each event by itself, as networks do.
    const size = random.pick([Infinity, Infinity, 100, 7]);
    const step = Math.max(size, Math.ceil(text.length / 2_000));
    for (let at = 0; at < text.length && !reply.signal.aborted; at += step) {
      reply.raw(text.slice(at, at + step));
      if (size !== Infinity) await new Promise(setImmediate);
    }
  }
  await random.pick([
    async () => reply.finish('stop', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }),
    async () => reply.finish('length', null),
    async () => reply.raw('data: [DONE]\n\n'),
    async () => reply.breakOff(),
    async () => {
      // Silence: the watchdog ends the call.
      while (!reply.signal.aborted) await sleep(100);
    },
  ])();
}

function createEvent(random: Random): string {
  const delta = random.pick<() => unknown>([
    () => ({ content: createText(random) }),
    () => ({ content: createText(random) }),
    () => ({ content: createText(random).slice(0, 50), reasoning_content: createText(random).slice(0, 50) }),
    () => ({ content: random.chance(0.05) ? 'x'.repeat(900_000) : '' }),
    () => ({}),
    () => ({ refusal: createText(random), tool_calls: createValue(random) }),
    () => createValue(random),
  ])();
  const choice = { index: random.pick([0, 0, 0, 1, -1]), delta, finish_reason: random.pick([null, null, null, null, 'stop', 'x', 5]) };
  const usage = random.chance(0.1) ? createValue(random) : null;
  const chunk = random.chance(0.9)
    ? { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'x', choices: [choice], usage }
    : createValue(random);
  return `data: ${JSON.stringify(chunk)}\n\n`;
} // prettier-ignore
