import { randomInt } from 'node:crypto';

/** With characters outside of the BMP, whose halves a provider may split, and with combining ones. */
const WORDS = [
  'tent',
  'Zelt ',
  ' 帐篷',
  '🏕️',
  '👩‍👩‍👧',
  ' naïve',
  '\n\n',
  '**',
  ' e\u0301t\u00e9',
  ' 𝔘nicode',
  ' "quoted"',
  ' \\',
];

/** Returns the pieces of an answer, as a provider sends them: some end in the middle of a character. */
export function createPieces(): string[] {
  const text = Array.from({ length: randomInt(5, 200) }, () => WORDS[randomInt(WORDS.length)]).join('');
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    const to = from + randomInt(1, 12);
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}

export const chance = (probability: number): boolean => randomInt(1_000_000) < probability * 1_000_000;
