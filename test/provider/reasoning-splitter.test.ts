import { ReasoningSplitter } from '../../src/platform/model/reasoning-splitter.js';
import { fc, splitText } from '../kit/property.js';

/** Splits a text that arrives in pieces, each of which is reasoning (in brackets), or text. */
function split(pieces: readonly string[]) {
  const result = { text: '', reasoning: '' };
  const splitter = new ReasoningSplitter({
    onText: (text) => (result.text += text),
    onReasoning: (reasoning) => (result.reasoning += reasoning),
  });
  for (const piece of pieces) splitter.add(piece);
  splitter.end();
  return result;
}

test.each([
  ['<think>Hm.</think>Yes.', 'Hm.', 'Yes.'],
  [' \n<think>\nHm.\n</think>\n\nYes.', 'Hm.\n', 'Yes.'],
  ['<thought>Hm.</thought> Yes.', 'Hm.', 'Yes.'],
  ['<THINK>Hm.</Think>Yes.', 'Hm.', 'Yes.'],
  ['<think></think>Yes.', '', 'Yes.'],
  ['<think>a </thin </b> < b</think>c', 'a </thin </b> < b', 'c'],
  ['<think>one</think>\n<think>two</think>three', 'onetwo', 'three'],
  ['<think>It never ends', 'It never ends', ''],
  ['<think>It never ends</thi', 'It never ends</thi', ''],
  ['<think>İstanbul</think>Yes.', 'İstanbul', 'Yes.'],
  ['The tag <think> is text here.</think>', '', 'The tag <think> is text here.</think>'],
  ['<thing>', '', '<thing>'],
  ['<thi', '', '<thi'],
  ['  Yes.', '', '  Yes.'],
  [' \n ', '', ''],
  [`${' '.repeat(2_000)}<think>`, '', `${' '.repeat(2_000)}<think>`],
])('%j is reasoning %j and text %j', (given, reasoning, text) => {
  expect(split([given])).toEqual({ reasoning, text });
  expect(split(given.split(''))).toEqual({ reasoning, text });
});

test('the same text is split in the same way, wherever it is cut', () => {
  const parts = fc.constantFrom(
    ...['<', '<think>', '<thought>', '<Reasoning>', '</think>', '</THINK>', '</thought>', '</reasoning>'],
    ...['</', '>', 'think', ' ', '\n', 'ab', '🌱', 'İ', '<thinking>', '</thinking>'],
    ' '.repeat(600),
  );
  const texts = fc.array(parts, { maxLength: 12 }).map((all) => all.join(''));
  fc.assert(
    fc.property(splitText(texts), ({ text, chunks }) => {
      const decoder = new TextDecoder();
      const pieces = [...chunks.map((chunk) => decoder.decode(chunk, { stream: true })), decoder.decode()];
      expect(split(pieces)).toEqual(split([text]));
    }),
    { numRuns: 2_000 },
  );
});
