import { toVisibleText } from '../platform/graphql/visible-text.js';
import { cutText } from '../platform/text/graphemes.js';

/** Quotation marks that open, each with those that may close it. */
const QUOTES = new Map([
  ['"', '"'],
  ["'", "'"],
  ['“', '”'],
  ['„', '“”'],
  ['‘', '’'],
  ['‚', '‘’'],
  ['«', '»'],
  ['»', '«'],
  ['「', '」'],
  ['『', '』'],
]);

/** Returns a generated title on one line, without the quotation marks around it that models tend to add. */
export function cleanTitle(text: string, maxLength: number): string {
  const line = toVisibleText(text)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .toWellFormed();
  return cutText(removeQuotes(line), maxLength);
}

/** Removes a pair of marks around the whole title. Marks inside stay, and so does a title of two quotations. */
function removeQuotes(title: string): string {
  const [open, inner, close] = [title.slice(0, 1), title.slice(1, -1), title.slice(-1)];
  const isPair = title.length > 1 && (QUOTES.get(open)?.includes(close) ?? false);
  return isPair && ![open, close].some((mark) => inner.includes(mark)) ? removeQuotes(inner.trim()) : title;
}
