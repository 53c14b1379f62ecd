import { formatAmount, type Money } from '../money.js';
import type { Amount } from './read-amounts.js';

/** A product with a price that the model was given, or that was shown. */
export interface KnownProduct extends Money {
  title: string;
}

/** What can confirm the amounts of an answer. */
export interface PriceEvidence {
  products: readonly KnownProduct[];
  /** What else the model was given: by the user, by the instructions, by look-ups. */
  amounts: readonly Money[];
  /** Numbers without a currency, as decimals: a user may say "at most 200". */
  numbers: ReadonlySet<string>;
}

/** Items of one sum. */
const MAX_ITEMS = 5;

/**
 * Products whose sums are considered. With more of them, nearly every amount would be the sum of some: then those that
 * the answer is about are taken.
 */
const MAX_SUMMANDS = 5;

/**
 * Tells which amounts follow from the evidence: as they are, as multiples of a price, or as sums of up to 5 items. Only
 * products that the answer names are counted more than once in a sum.
 */
export class PriceChecker {
  readonly #confirmed = new Set<string>();
  readonly #numbers: ReadonlySet<string>;

  /** @param text the answer. @param topic what it is about besides: texts that name products */
  constructor({ products, amounts, numbers }: PriceEvidence, text: string, topic: string) {
    const isNamed = (where: string) => (product: KnownProduct) => where.includes(product.title.toLowerCase());
    const isNamedByText = isNamed(text.toLowerCase());
    const isNamedByAny = isNamed(`${topic}\n${text}`.toLowerCase());
    this.#numbers = numbers;
    for (const amount of amounts) this.#confirmed.add(toKey(amount));
    for (const { minorUnits, currency } of products)
      for (let n = 1; n <= MAX_ITEMS; n += 1) this.#confirmed.add(toKey({ minorUnits: n * minorUnits, currency }));
    for (const [currency, sold] of Map.groupBy(products, (product) => product.currency)) {
      const all = distinctPrices(sold);
      const named = distinctPrices(sold.filter(isNamedByText)).slice(0, MAX_SUMMANDS);
      const meant = distinctPrices(sold.filter(isNamedByAny)).slice(0, MAX_SUMMANDS);
      const sums = [...sumOnce(all.length <= MAX_SUMMANDS ? all : meant), ...sumUp(named, MAX_ITEMS)];
      for (const minorUnits of sums) this.#confirmed.add(toKey({ minorUnits, currency }));
    }
  }

  isConfirmed({ meanings }: Amount): boolean {
    return meanings.some((meaning) => this.#confirmed.has(toKey(meaning)) || this.#numbers.has(toDecimal(meaning)));
  }
}

const toKey = ({ minorUnits, currency }: Money): string => `${minorUnits} ${currency}`;

const toDecimal = (money: Money): string => String(Number(formatAmount(money)));

const distinctPrices = (products: readonly KnownProduct[]): number[] => [
  ...new Set(products.map(({ minorUnits }) => minorUnits)),
];

/** Returns the sums of the values, each of which occurs once. */
function sumOnce(values: readonly number[]): number[] {
  let sums = [0];
  for (const value of values) sums = [...sums, ...sums.map((sum) => sum + value)];
  return sums.slice(1);
}

/** Returns the sums of up to `items` of the values, each of which may occur more than once. */
function sumUp(values: readonly number[], items: number): Set<number> {
  const sums = new Set<number>();
  let last = new Set([0]);
  for (let n = 0; n < items; n += 1) {
    last = new Set([...last].flatMap((sum) => values.map((value) => sum + value)));
    for (const sum of last) sums.add(sum);
  }
  return sums;
}
