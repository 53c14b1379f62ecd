import { jest } from '@jest/globals';
import fc from 'fast-check';
import { Lexer } from 'marked';
import { toExcerpt } from '../../src/messages/excerpt.js';

const countGraphemes = (text: string): number => [...new Intl.Segmenter().segment(text)].length;

describe('toExcerpt', () => {
  test.each([
    ['headings and emphasis', '# A **bold** _title_\n\nand ~~old~~ `code`', 'A bold title and old code'],
    ['lists', '- one\n- [x] two\n\n1. three\n   - four', 'one two three four'],
    ['links and images', '[Tents](https://example.com/a) ![a lake](lake.png)', 'Tents a lake'],
    ['tables', '| Name | Price |\n|---|--:|\n| **Tent** | 289 |', 'Name Price Tent 289'],
    ['code blocks and rules', 'Run:\n\n```sh\nnpm start\n```\n\n---\n\nDone', 'Run: npm start Done'],
    ['quotes and HTML', '> said\n\n<div class="x">shown</div>\n\nA<br>b <!-- c -->', 'said shown A b'],
    ['escapes', '2 \\* 3 = 6', '2 * 3 = 6'],
    ['arithmetic and comparisons', '2 * 3 * 4 < 25', '2 * 3 * 4 < 25'],
    ['white space and control characters', '\r\n a\t\tb\u2028c\u0007d \n', 'a b c d'],
    ['nothing', '', ''],
  ])('removes the markup of %s', (_what, markdown, expected) => expect(toExcerpt(markdown, 120)).toBe(expected));

  test.each([
    ['a surrogate pair', 'ab🌱', 3, 'ab'],
    ['a family', 'a👩‍👩‍👧', 6, 'a'],
    ['the second of two flags', '🇩🇪🇫🇷', 6, '🇩🇪'],
    ['a combining mark', 'ae\u0301', 2, 'a'],
    ['a line break', 'a\r\nb', 2, 'a'],
    ['a character that does not fit', '👩‍👩‍👧', 2, ''],
  ])('does not split %s', (_what, text, length, expected) => expect(toExcerpt(text, length)).toBe(expected));

  test('is the beginning of the text, in whole characters, for any text and length', () => {
    const text = fc.array(fc.constantFrom('a', ' ', '🌱', '👩‍👩‍👧', '🇩🇪', 'e\u0301', '\u0301', 'né'), { maxLength: 300 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 200 }), (parts, length) => {
        const whole = parts.join('').replace(/\s+/g, ' ').trim();
        const excerpt = toExcerpt(whole, length);
        expect(excerpt.length).toBeLessThanOrEqual(length);
        expect(whole.startsWith(excerpt)).toBe(true);
        const rest = whole.slice(excerpt.length);
        expect(countGraphemes(excerpt) + countGraphemes(rest)).toBe(countGraphemes(whole));
      }),
    );
  });

  test.each(['x', '[', '![[', '> ', '*a ', '1. ', '<a ', '|a', '\u0301'])(
    'reads only the beginning of a long text, also of hostile markup (%j)',
    (part) => {
      const lex = jest.spyOn(Lexer, 'lex');
      try {
        expect(toExcerpt(part.repeat(1_000_000 / part.length), 1_000).length).toBeLessThanOrEqual(1_000);
        expect(lex).toHaveBeenCalledTimes(1);
        expect(lex.mock.calls[0]![0].length).toBeLessThanOrEqual(5_000);
      } finally {
        lex.mockRestore();
      }
    },
  );
});
