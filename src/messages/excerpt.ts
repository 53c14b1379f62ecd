import { Lexer, type MarkedToken, type Token } from 'marked';
import { cutText } from '../platform/text/graphemes.js';

/** How much of a text is read for each code unit of its excerpt, because markup is removed. */
const SOURCE_FACTOR = 4;
const MIN_SOURCE_LENGTH = 1_000;

/** Returns the beginning of a Markdown text on one line, without markup, in at most `length` UTF-16 code units. */
export function toExcerpt(markdown: string, length: number): string {
  const source = cutText(markdown, MIN_SOURCE_LENGTH + length * SOURCE_FACTOR);
  const line = removeMarkup(source)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return cutText(line, length);
}

function removeMarkup(markdown: string): string {
  try {
    return toText(Lexer.lex(markdown));
  } catch (error) {
    // Quotes or lists that are nested too deeply for the parser, which is recursive.
    if (error instanceof RangeError) return markdown;
    throw error;
  }
}

const toText = (tokens: readonly Token[]): string =>
  tokens.map((token) => toTextOfToken(token as MarkedToken)).join('');

function toTextOfToken(token: MarkedToken): string {
  switch (token.type) {
    case 'br':
    case 'def':
    case 'hr':
    case 'space':
      return ' ';
    case 'checkbox':
      return '';
    case 'code':
      return ` ${token.text} `;
    case 'html':
      return token.text.replace(/<!--.*?-->|<[^>]*>/gs, ' ');
    case 'list':
      return toText(token.items);
    case 'table':
      return [token.header, ...token.rows].flatMap((row) => row.map((cell) => ` ${toText(cell.tokens)} `)).join('');
    case 'blockquote':
    case 'heading':
    case 'list_item':
    case 'paragraph':
      return ` ${toText(token.tokens)} `;
    default:
      return 'tokens' in token && token.tokens ? toText(token.tokens) : token.text;
  }
}
