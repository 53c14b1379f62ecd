import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { CompletionReader } from '../../src/platform/model/completion-reader.js';
import { readCompletion } from '../../src/platform/model/read-completion.js';
import { ModelError } from '../../src/platform/model/chat-model.js';
import { fc, splitText } from '../kit/property.js';
import { DONE, event, finishEvent, textEvent } from '../kit/raw-provider.js';

/** Reads a body that arrives in these chunks; before some of them, earlier ones are read in a turn of their own. */
async function read(chunks: readonly Buffer[], waits: readonly boolean[] = []) {
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
  for (const [i, chunk] of chunks.entries()) {
    if (waits[i % waits.length]) await turn();
    body.write(chunk);
  }
  body.end();
  return { ...(await reading), text, reasoning };
}

const STREAM_PARTS = [
  textEvent('One '),
  textEvent('🌱 two', { model: 'named' }),
  textEvent('café').replaceAll('\n', '\r\n'),
  textEvent(' <thi'),
  textEvent('nk>hm</think>'),
  event({ choices: [{ delta: { reasoning_content: 'So ' } }] }),
  textEvent([{ type: 'text', text: 'three' }]),
  finishEvent('stop').replaceAll('\n', '\r'),
  finishEvent('content_filter'),
  finishEvent('length'),
  event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } }),
  event({ error: { message: 'boom', code: 429 } }),
  event({ detail: 'boom' }),
  'event: error\ndata: böom\n\n',
  'data: {"choices"\n\n',
  event('{}'),
  ': comment\n\n',
  DONE,
];
const DOCUMENTS = [
  { choices: [{ message: { content: 'Whole 🌱' }, finish_reason: 'stop' }] },
  { choices: [{ message: { content: '<think>é</think>Yes' }, finish_reason: 'length' }] },
  [{ error: { code: 429, message: 'boom' } }],
  { detail: 'boom' },
].map((document) => JSON.stringify(document, null, 1));

test('the same bytes give the same answer, wherever they are split and in however many turns they arrive', async () => {
  const blank = fc.constantFrom('', '\ufeff', '\n', ' \r\n ', '\n'.repeat(63), '\n'.repeat(64), '\n'.repeat(70));
  const streams = fc.array(fc.constantFrom(...STREAM_PARTS), { maxLength: 12 }).map((parts) => parts.join(''));
  const bodies = fc.oneof({ weight: 3, arbitrary: streams }, { weight: 1, arbitrary: fc.constantFrom(...DOCUMENTS) });
  const split = splitText(fc.tuple(blank, bodies).map((parts) => parts.join('')));
  await fc.assert(
    fc.asyncProperty(split, fc.array(fc.boolean(), { maxLength: 8 }), async ({ text, chunks }, waits) => {
      expect(await read(chunks, waits)).toEqual(await read([Buffer.from(text)]));
    }),
    { numRuns: 1_000 },
  );
});

test.each(DOCUMENTS)('white space before a document does not hide it: %s', async (document) => {
  const whole = await read([Buffer.from(document)]);
  expect(await read([Buffer.from(`\ufeff \n${document}`)])).toEqual(whole);
  expect(await read([Buffer.from('\n'), Buffer.from(document)], [true])).toEqual(whole);
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
