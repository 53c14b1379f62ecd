/**
 * Splits text into the words of the search index. PostgreSQL has the same rules in its function `search_words` (see
 * the *_search migrations). A change of the rules requires a migration that builds the index again, because a word can
 * only be removed from the index as it was added.
 */

type Range = readonly [first: number, last: number];

const toCharacterClass = (ranges: readonly Range[]): string =>
  ranges.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join('');

// prettier-ignore
/** Scripts that are written without spaces between words, and Hangul, whose words have endings: one word a character. */
const UNSEGMENTED = toCharacterClass([
  [0x0e00, 0x0eff], // Thai, Lao
  [0x1000, 0x109f], [0xa9e0, 0xa9fe], [0xaa60, 0xaa7f], // Myanmar
  [0x1780, 0x17ff], // Khmer
  [0x1950, 0x19df], [0x1a20, 0x1aaf], [0xaa80, 0xaadf], // Tai Le, New Tai Lue, Tai Tham, Tai Viet
  [0x1100, 0x11ff], [0x3131, 0x318e], [0xa960, 0xa97c], [0xac00, 0xd7fb], // Hangul
  [0x3041, 0x3096], [0x3099, 0x309a], [0x309d, 0x309f], [0x30a1, 0x30fa], [0x30fc, 0x30ff], // Kana
  [0x31f0, 0x31ff], [0x1aff0, 0x1b16f], // Kana
  [0x3105, 0x312f], [0x31a0, 0x31bf], // Bopomofo
  [0x2e80, 0x2fdf], [0x3005, 0x3007], [0x3021, 0x3029], [0x3031, 0x3035], [0x3038, 0x303c], // Han: radicals, marks
  [0x3400, 0x4dbf], [0x4e00, 0x9fff], [0xf900, 0xfaff], [0x20000, 0x3fffd], // Han
]);

// prettier-ignore
/** Emoji and the symbols of their blocks, without the modifiers of skin tones: a search for 👍 finds 👍🏽. */
const EMOJI = toCharacterClass([
  [0xa9, 0xa9], [0xae, 0xae], [0x2190, 0x21ff], [0x2300, 0x23ff], [0x25a0, 0x27bf], [0x2900, 0x297f],
  [0x2b00, 0x2bff], [0x3030, 0x3030], [0x303d, 0x303d], [0x1f000, 0x1f3fa], [0x1f400, 0x1faff],
]);

/** Joins emoji to one: variation selectors, zero width joiners, keycaps, skin tones and tags. */
const EMOJI_PARTS = toCharacterClass([
  [0xfe0f, 0xfe0f],
  [0x200d, 0x200d],
  [0x20e3, 0x20e3],
  [0x1f3fb, 0x1f3ff],
  [0xe0020, 0xe007f],
]);

/** What follows the first 30 marks of a run: text in Unicode's Stream-Safe Format (UAX #15) has no more. */
const EXCESS_MARKS = new RegExp(`([^\\p{L}\\p{Nd}\\s${EMOJI}]{30})[^\\p{L}\\p{Nd}\\s${EMOJI}]+`, 'gu');
const WORD = new RegExp(`[${UNSEGMENTED}${EMOJI}]|[[\\p{L}\\p{Nd}]--[${UNSEGMENTED}]]+`, 'gv');
const SINGLE_CHARACTER = new RegExp(`^[${UNSEGMENTED}${EMOJI}]$`, 'v');
const TERM = new RegExp(`[[\\p{L}\\p{N}\\p{M}]--[${EMOJI_PARTS}]]+|[${EMOJI}${EMOJI_PARTS}]+`, 'gv');

/** Longer words are cut. */
const MAX_WORD_LENGTH = 60;

/**
 * Returns the words of a text in their order: lower case, without compatibility forms, Latin letters without accents. A
 * character of a script that is written without spaces is a word of its own, as is an emoji.
 */
export function toSearchWords(text: string): string[] {
  const folded = text
    // Normalizing a run of marks takes quadratic time.
    .replace(EXCESS_MARKS, '$1')
    .normalize('NFKD')
    .replace(/([a-zA-Z])[\u0300-\u036F]+/g, '$1')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('ς', 'σ');
  const words = folded.match(WORD) ?? [];
  return words.map((word) => (word.length > MAX_WORD_LENGTH ? [...word].slice(0, MAX_WORD_LENGTH).join('') : word));
}

/** Terms after the eighth are ignored, as are single letters: too many words begin with them. */
const MAX_TERMS = 8;
/** In UTF-16 code units; longer search texts are truncated. */
const MAX_TEXT_LENGTH = 1_000;

/** Splits what a user searches for into terms: runs of letters, digits and their marks, and runs of emoji. */
export const readSearchTerms = (text: string): string[] =>
  (text.slice(0, MAX_TEXT_LENGTH).match(TERM) ?? []).filter(isSearchable).slice(0, MAX_TERMS);

/** Whether a term has at least two letters, or one of a script without spaces, or an emoji. */
function isSearchable(term: string): boolean {
  const [first] = toSearchWords(term);
  return first !== undefined && (term.length > 1 || SINGLE_CHARACTER.test(first));
}

/**
 * Returns the phrase of SQLite's FTS5 that finds a term: its words follow each other, and the last may be the beginning
 * of a word, unless it has one letter only. The words contain no quotes, so they cannot be operators.
 */
export function toFtsPhrase(term: string): string {
  const words = toSearchWords(term);
  const prefix = /^..+$/su.test(words.at(-1)!) ? ' *' : '';
  return `"${words.join(' ')}"${prefix}`;
}
