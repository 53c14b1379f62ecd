import { PriceChecker, type PriceEvidence } from './price-evidence.js';
import type { AmountReader } from './read-amounts.js';

/** An amount of an answer that nothing confirms. Offset and length are in UTF-16 code units. */
export interface UnverifiedAmount {
  offset: number;
  length: number;
  text: string;
}

/**
 * Returns the amounts of a text that the evidence does not confirm.
 * @param topic what the text is about besides itself, such as the question: products that it names are summed up
 */
export function findUnverified(
  text: string,
  topic: string,
  reader: AmountReader,
  evidence: PriceEvidence,
): UnverifiedAmount[] {
  const amounts = reader.read(text);
  if (amounts.length === 0) return [];
  const checker = new PriceChecker(evidence, text, topic);
  return amounts
    .filter((amount) => !checker.isConfirmed(amount))
    .map(({ offset, text: found }) => ({ offset, length: found.length, text: found }));
}
