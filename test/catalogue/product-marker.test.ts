import fc from 'fast-check';
import { insertProductMarkers, ProductMarkerSplitter } from '../../src/catalogue/product-marker.js';

/** Splits a text that arrives in pieces. Mentions have the length of the text before them. */
function split(pieces: readonly string[], { isCut = false, beginning = '' } = {}) {
  let text = beginning;
  const mentions: { offset: number; sku: string }[] = [];
  const splitter = new ProductMarkerSplitter(
    {
      onText(piece) {
        expect(piece).not.toBe('');
        text += piece;
      },
      onProduct: (sku) => mentions.push({ offset: text.length, sku }),
    },
    beginning,
  );
  let received = beginning.length;
  for (const piece of pieces) {
    splitter.add(piece);
    received += piece.length;
    const removed = mentions.reduce((sum, { sku }) => sum + `[[product:${sku}]]`.length, 0);
    // Spaces around an SKU are removed with its marker.
    expect(received - removed - text.length).toBeLessThan(76 + 64);
  }
  splitter.end({ isCut });
  return { text, mentions };
}

test.each([
  ['A tent. [[product:T-1]] Warm.', 'A tent.  Warm.', ['8 T-1']],
  ['[[product:A]][[product:B]]', '', ['0 A', '0 B']],
  ['[[product: a b ]]', '', ['0 a b']],
  ['[[product:]] [[product: ]]', '[[product:]] ', []],
  [`[[product:${'x'.repeat(64)}]].`, '.', [`0 ${'x'.repeat(64)}`]],
  [`[[product:${'x'.repeat(65)}]].`, `[[product:${'x'.repeat(65)}]].`, []],
  ['[[product:a\nb]]', '[[product:a\nb]]', []],
  ['[[product:a]b]]', '[[product:a]b]]', []],
  ['[[[product:a]]]', '[]', ['1 a']],
  ['[link](url) [[wiki]] [[Product:a]]', '[link](url) [[wiki]] [[Product:a]]', []],
  ['[[product:a', '[[product:a', []],
  ['[[', '[[', []],
  ['🌱[[product:🌱]]🌱', '🌱🌱', ['2 🌱']],
  // The parts of a marker around another one: the text must not hold it.
  ['[[prod[[product:a]]uct:b]]!', '[[prod!', ['6 a', '6 b']],
  ['[[product:a[[product:b]]c]]]]', '[[product:a', ['11 b', '11 ac', '11 a']],
])('%j is the text %j with the products %j', (given, text, products) => {
  const expected = {
    text,
    mentions: products.map((each) => ({ offset: Number.parseInt(each), sku: each.slice(each.indexOf(' ') + 1) })),
  };
  expect(split([given])).toEqual(expected);
  expect(split(given.split(''))).toEqual(expected);
});

test('a marker that is cut by the end of an answer is not shown', () => {
  expect(split(['See: [[product:A'], { isCut: true })).toEqual({ text: 'See: ', mentions: [] });
  expect(split(['See [', '['], { isCut: true }).text).toBe('See [[');
});

test('a marker that begins in an answer and ends in its continuation is no part of the text', () => {
  expect(split(['product:A]] fits'], { beginning: 'See [[' })).toEqual({
    text: 'See [[ fits',
    mentions: [{ offset: 6, sku: 'A' }],
  });
  expect(split(['1] and'], { beginning: 'See [' }).text).toBe('See [1] and');
});

const parts = fc.constantFrom(
  ...[
    '[',
    '[[',
    ']',
    ']]',
    '[[product:',
    '[[product:A-1]]',
    '[[product:b c]]',
    'pro',
    'duct:',
    ':',
    ' ',
    '\n',
    'ab',
    '🌱',
  ],
  'x'.repeat(70),
);
const texts = fc.array(parts, { maxLength: 14 }).map((all) => all.join(''));
const cutTexts = texts.chain((text) =>
  fc.uniqueArray(fc.nat(text.length)).map((cuts) => {
    const edges = [0, ...cuts.sort((a, b) => a - b), text.length];
    return {
      text,
      pieces: edges
        .slice(1)
        .map((to, i) => text.slice(edges[i], to))
        .filter((piece) => piece !== ''),
    };
  }),
);

test('a text is split in the same way wherever it is cut, and never holds a marker', () => {
  fc.assert(
    fc.property(cutTexts, ({ text, pieces }) => {
      const result = split(pieces);
      expect(result).toEqual(split(text === '' ? [] : [text]));
      expect(result.text).not.toMatch(/\[\[product:[^[\]\p{Cc}]{1,64}\]\]/u);
    }),
    { numRuns: 2_000 },
  );
});

test('a text gets back its markers', () => {
  const plain = fc.array(fc.constantFrom('ab', ' ', '🌱', '[[product:A-1]]', '[[product:b c]]'), { maxLength: 14 });
  fc.assert(
    fc.property(plain, (all) => {
      const { text, mentions } = split([all.join('')].filter((piece) => piece !== ''));
      expect(insertProductMarkers(text, mentions)).toBe(all.join(''));
    }),
  );
});
