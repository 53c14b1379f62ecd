import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base';

/** Text that looks like a control token of a model is counted as text. */
const OPTIONS = { disallowedSpecial: new Set<string>() };

/** The longest run without a break that is counted as a whole, in UTF-16 code units. */
const MAX_RUN_LENGTH = 64;
const HAS_LONG_RUN = new RegExp(`\\S{${MAX_RUN_LENGTH + 1}}|\\s{${MAX_RUN_LENGTH + 1}}`);
const PIECES = new RegExp(`\\s{0,${MAX_RUN_LENGTH}}\\S{1,${MAX_RUN_LENGTH}}|\\s{1,${MAX_RUN_LENGTH}}`, 'g');

/**
 * Counts the tokens of a text in o200k_base, the encoding of OpenAI's current models; for other models it is a good
 * estimate. The time of byte-pair encoding grows with the square of a word's length: 32,000 emoji in a row would block
 * the server for seconds. Such runs are counted in pieces, which slightly overestimates them (decision 0012).
 */
export function countTokens(text: string): number {
  if (!HAS_LONG_RUN.test(text)) return count(text, OPTIONS);
  return (text.match(PIECES) ?? []).reduce((sum, piece) => sum + count(piece, OPTIONS), 0);
}

/** Tokens that the Chat Completions format adds to each message, and to a prompt for the beginning of the answer. */
export const TOKENS_PER_MESSAGE = 4;
export const TOKENS_PER_PROMPT = 3;
