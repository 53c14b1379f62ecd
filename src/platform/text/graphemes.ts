const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Splits a text into what users call characters (grapheme clusters, UAX #29), such as an emoji of several parts. */
export const splitGraphemes = (text: string): string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);

/** Returns the beginning of a text, at most `maxLength` UTF-16 code units, without a part of a grapheme. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  // Two more code units, because the boundary depends on the code point that follows.
  const last = segmenter.segment(text.slice(0, maxLength + 2)).containing(maxLength);
  return text.slice(0, last!.index).trimEnd();
}
