import { isStorableText } from '../db/storable-text.js';
import { isBlank, toVisibleText } from './visible-text.js';

/** A rule for texts, and what to tell about one that breaks it. */
export interface TextRule {
  isValid: (text: string) => boolean;
  message: string;
}

/** Counts Unicode code points, which is closer to what users call characters than UTF-16 code units. */
function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Requires `min` to `max` characters (code points). */
export const characters = (min: number, max: number): TextRule => ({
  isValid(text) {
    // A code point has at most two code units, so longer strings need no counting.
    if (text.length > max * 2) return false;
    const count = countCharacters(text);
    return count >= min && count <= max;
  },
  message: `Must be ${min === 0 ? 'at most' : `${min} to`} ${max.toLocaleString('en')} characters long.`,
});

/** Requires something other than white space and characters without a shape. */
export const notBlank: TextRule = { isValid: (text) => !isBlank(text), message: 'Must not be blank.' };

/** Requires text that every database can store: PostgreSQL refuses NUL, and UTF-8 cannot encode unpaired surrogates. */
export const storableText: TextRule = {
  isValid: isStorableText,
  message: 'Must not contain NUL characters or unpaired surrogates.',
};

/** Requires text without characters of Unicode's category Cc, so it is a single line. */
export const noControlCharacters: TextRule = {
  isValid: (text) => !/\p{Cc}/u.test(text),
  message: 'Must not contain control characters.',
};

/** Requires text that reads as it is stored. Joiners are allowed where emoji and scripts need them. */
export const visibleText: TextRule = {
  isValid: (text) => toVisibleText(text) === text,
  message: 'Must not contain invisible characters or characters that change the text direction.',
};
