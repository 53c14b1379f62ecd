/** Returns the complete sentences of a text that still grows, without Markdown, for screen readers. */
export function readSentences(text: string, language: string): string[] {
  const plain = text
    .replace(/```[\s\S]*?(```|$)/g, ' ')
    .replace(/^[#>\s|*-]+/gm, '')
    .replace(/[*_`|]/g, '');
  const segments = [...new Intl.Segmenter(language, { granularity: 'sentence' }).segment(plain)];
  // The last one may go on.
  return segments
    .slice(0, -1)
    .map(({ segment }) => segment.trim())
    .filter((sentence) => sentence !== '');
}
