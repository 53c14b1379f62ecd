import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base';

/** Text that looks like a model's control tokens is text here. */
const OPTIONS = { disallowedSpecial: new Set<string>() };

/** The longest run without a break that is counted in one piece, in UTF-16 code units. */
const LONGEST_RUN = 64;
const HAS_LONG_RUN = new RegExp(`\\S{${LONGEST_RUN + 1}}|\\s{${LONGEST_RUN + 1}}`);
const PIECES = new RegExp(`\\s{0,${LONGEST_RUN}}\\S{1,${LONGEST_RUN}}|\\s{1,${LONGEST_RUN}}`, 'g');

/**
 * How many tokens the text has in o200k_base, the encoding of OpenAI's current models; a good estimate for others.
 * The work of byte-pair encoding grows with the square of a word's length: 32,000 emoji in a row would hold up the
 * server for seconds. Such runs are counted in pieces, which counts a little too much at their borders.
 */
export function countTokens(text: string): number {
  if (!HAS_LONG_RUN.test(text)) return count(text, OPTIONS);
  return (text.match(PIECES) ?? []).reduce((sum, piece) => sum + count(piece, OPTIONS), 0);
}

/** What the Chat Completions format adds to each message, in tokens; and to the whole prompt, for the answer's beginning. */
export const TOKENS_PER_MESSAGE = 4;
export const TOKENS_PER_PROMPT = 3;
