import { toVisibleText } from '../platform/graphql/visible-text.js';
import { cutText, splitGraphemes } from '../platform/text/graphemes.js';
import { MAX_TITLE_LENGTH } from './conversation.types.js';

/** In graphemes. */
const MAX_LENGTH = 60;

/** Returns the beginning of the first question on one line, truncated between words to at most 60 characters. */
export function toProvisionalTitle(question: string): string {
  const line = toVisibleText(question).replace(/\s+/g, ' ').trim();
  const graphemes = splitGraphemes(cutText(line, MAX_TITLE_LENGTH));
  if (line.length <= MAX_TITLE_LENGTH && graphemes.length <= MAX_LENGTH) return line;
  const cut = cutText(graphemes.slice(0, MAX_LENGTH - 1).join(''), MAX_TITLE_LENGTH - 1);
  const lastSpace = cut.lastIndexOf(' ');
  return `${lastSpace > MAX_LENGTH / 2 ? cut.slice(0, lastSpace) : cut}…`;
}
