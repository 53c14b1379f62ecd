import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { CompletionReader } from '../../src/platform/model/completion-reader.js';
import { readCompletion } from '../../src/platform/model/read-completion.js';
import { ModelError } from '../../src/platform/model/chat-model.js';
import { splitAnywhere } from '../kit/bytes.js';
import { DONE, event, finishEvent, textEvent } from '../kit/raw-provider.js';

async function read(chunks: readonly Buffer[], waits: boolean) {
  const body = new PassThrough();
  let text = '';
  let reasoning = '';
  const reader = new CompletionReader('m', 1_000, {
    onText: (piece) => (text += piece),
    onReasoning: (piece) => (reasoning += piece),
  });
  const reading = readCompletion(body, reader, { timeoutMs: 60_000, signal: new AbortController().signal }).then(
    ({ model, finishReason, usage }) => ({ model, finishReason, usage }),
    (error: unknown) => {
      if (!(error instanceof ModelError)) throw error;
      return { code: error.code, usage: error.usage };
    },
  );
  for (const chunk of chunks) {
    body.write(chunk);
    if (waits) await turn();
  }
  body.end();
  return { ...(await reading), text, reasoning };
}

test('the same bytes give the same answer, wherever they are split and in however many turns they arrive', async () => {
  const events = fc.constantFrom(
    textEvent('One '),
    textEvent('🌱 two', { model: 'named' }),
    textEvent(' <thi'),
    textEvent('nk>hm</think>'),
    event({ choices: [{ delta: { reasoning_content: 'So ' } }] }),
    textEvent([{ type: 'text', text: 'three' }]),
    finishEvent('stop'),
    finishEvent('content_filter'),
    finishEvent('length'),
    event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } }),
    event({ error: { message: 'boom', code: 429 } }),
    event('{}'),
    ': comment\n\n',
    DONE,
  );
  const streams = fc.array(events, { maxLength: 12 }).map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(splitAnywhere(streams), fc.boolean(), async ({ text, chunks }, waits) => {
      expect(await read(chunks, waits)).toEqual(await read([Buffer.from(text)], false));
    }),
    { numRuns: 300 },
  );
});

describe('progress', () => {
  const read = (...chunks: object[]) => {
    const reader = new CompletionReader('m', 1_000, { onText: () => {}, onReasoning: () => {} });
    return chunks.map((chunk) => reader.read({ name: undefined, data: JSON.stringify(chunk) }));
  };
  const toChunk = (delta: object) => ({ choices: [{ delta }] });

  test.each([[{ content: 'So' }], [{ reasoning_content: 'So' }], [{ reasoning: 'So' }], [{ content: '<think>So' }]])(
    '%j is progress',
    (delta) => expect(read(toChunk(delta), toChunk(delta))).toEqual([true, true]),
  );

  test('a finish reason and a refusal are progress once', () => {
    const finished = { choices: [{ delta: {}, finish_reason: 'stop' }] };
    expect(read(finished, finished)).toEqual([true, false]);
    expect(read(toChunk({ refusal: true }), toChunk({ refusal: true }))).toEqual([true, false]);
  });

  test.each([
    { choices: [] },
    { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } },
    toChunk({ role: 'assistant', content: '' }),
    toChunk({ content: ' \n' }),
    toChunk({ tool_calls: [] }),
  ])('%j is not progress', (chunk) => expect(read(chunk, chunk)).toEqual([false, false]));
});
