import { isRecord } from '../../platform/json/is-record.js';
import { parseAmount, type Money } from '../money.js';
import type { KnownProduct } from './price-evidence.js';

/** What the result of a look-up says about prices. */
export interface ResultPrices {
  products: KnownProduct[];
  /** Amounts of money that belong to no product, such as the price of delivery. */
  amounts: Money[];
  /** Other numbers, as decimals: an operator's tool may state prices without a currency. */
  numbers: string[];
  texts: string[];
}

/** Values in a result that are read. */
const MAX_VALUES = 10_000;

/** Reads the result of a look-up: a JSON document of any shape, or a text that may enclose a JSON list. */
export function readResult(json: string): ResultPrices {
  const found: ResultPrices = { products: [], amounts: [], numbers: [], texts: [] };
  const pending: { value: unknown; title: string | null }[] = [{ value: parse(json), title: null }];
  for (let i = 0; i < pending.length && i < MAX_VALUES; i += 1) {
    const { value, title } = pending[i]!;
    if (typeof value === 'string') found.texts.push(value);
    else if (typeof value === 'number') found.numbers.push(String(value));
    else if (Array.isArray(value))
      pending.push(...value.slice(0, MAX_VALUES).map((item: unknown) => ({ value: item, title })));
    else if (isRecord(value)) {
      const money = readMoney(value);
      if (money && title !== null) found.products.push({ title, ...money });
      else if (money) found.amounts.push(money);
      else {
        const name = value['title'] ?? value['name'];
        for (const item of Object.values(value))
          pending.push({ value: item, title: typeof name === 'string' ? name : null });
      }
    }
  }
  return found;
}

function readMoney({ amount, currency }: Record<string, unknown>): Money | null {
  if (typeof currency !== 'string' || (typeof amount !== 'string' && typeof amount !== 'number')) return null;
  const minorUnits = parseAmount(String(amount), currency);
  return minorUnits === null ? null : { minorUnits, currency };
}

function parse(json: string): unknown {
  for (const text of [json, json.slice(json.indexOf('['), json.lastIndexOf(']') + 1)]) {
    try {
      return JSON.parse(text);
    } catch {
      // It is a text.
    }
  }
  return json;
}
