import { parseAmount, type Money } from '../money.js';
import { CENTS, nameCurrencies } from './currency-names.js';
import { NUMBER, readNumber } from './read-number.js';

/** An amount of money in a text. */
export interface Amount {
  /** In UTF-16 code units. */
  offset: number;
  text: string;
  /** What it may mean: `$` is the sign of several currencies. */
  meanings: Money[];
}

/** A number and the name of its currency. */
interface Place {
  number: string;
  name: string | null;
  start: number;
  end: number;
}

const SPACE = String.raw`[ \u00a0\u202f\u2009]?`;
/** What may be between a number and the name of its currency; Markdown may mark one of them. */
const GAP = String.raw`(?:-|${SPACE}\*{0,2}${SPACE})`;
const NUMBERS = new RegExp(String.raw`(?<![A-Za-zÀ-ɏ\d_])${NUMBER}`, 'gu');
const RANGE = /^[ \u00a0\u202f]?(?:[-–—~〜]|to|bis|à|から)[ \u00a0\u202f]?$/u;
/** Names that are written before numbers: signs, codes and their like. Others belong to the number before them. */
const IS_PREFIX = /\p{Sc}|^[A-Z]{3}$|\.$|^kr$|^Rs$/u;
/** The longest name and a gap. */
const MAX_PREFIX_LENGTH = 10;

/** Finds amounts of money in texts: a number with the sign, code or name of a currency, as people write them. */
export class AmountReader {
  readonly #names: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #before: RegExp;
  readonly #after: RegExp;

  /** @param currencies those of the catalogue, in addition to the common ones */
  constructor(currencies: readonly string[]) {
    this.#names = nameCurrencies(currencies);
    const names = [...this.#names.keys()].toSorted((a, b) => b.length - a.length);
    const prefixes = names.filter((name) => IS_PREFIX.test(name)).map(escape);
    this.#before = new RegExp(String.raw`(?<![A-Za-zÀ-ɏ\d_])(${prefixes.join('|')})(${GAP})$`, 'u');
    // The names of letters end where the word ends.
    const suffixes = names.map((name) => (/[A-Za-zÀ-ɏ]$/.test(name) ? `${escape(name)}(?![A-Za-zÀ-ɏ])` : escape(name)));
    this.#after = new RegExp(`${GAP}(${suffixes.join('|')})`, 'uy');
  }

  read(text: string): Amount[] {
    if (!/[\d０-９]/.test(text)) return [];
    const places = this.#findPlaces(toHalfWidth(text));
    return places.flatMap(({ number, name, start, end }) => {
      const meanings = name === null ? [] : toMeanings(number, this.#names.get(name)!, CENTS.has(name));
      return meanings.length === 0 ? [] : [{ offset: start, text: text.slice(start, end), meanings }];
    });
  }

  #findPlaces(text: string): Place[] {
    const places: Place[] = [];
    let free = 0;
    let last: { place: Place; end: number } | null = null;
    for (const { index, 0: number } of text.matchAll(NUMBERS)) {
      const end = index + number.length;
      const place = this.#findName(text, index, end, free) ?? { number, name: null, start: index, end };
      places.push({ ...place, number });
      const current = places.at(-1)!;
      // Both ends of a range have the currency that is written with one of them.
      if (last && RANGE.test(text.slice(last.end, current.start))) {
        last.place.name ??= current.name;
        current.name ??= last.place.name;
      }
      free = current.end;
      last = { place: current, end: current.end };
    }
    return places;
  }

  /** @param free where the name of another amount ends */
  #findName(text: string, start: number, end: number, free: number): Omit<Place, 'number'> | null {
    const before = this.#before.exec(text.slice(Math.max(free, start - MAX_PREFIX_LENGTH), start));
    const prefixed = before && { name: before[1]!, start: start - before[0].length, end };
    if (prefixed && before[2] === '') return prefixed;
    this.#after.lastIndex = end;
    const after = this.#after.exec(text);
    return after ? { name: after[1]!, start, end: this.#after.lastIndex } : prefixed;
  }
}

function toMeanings(number: string, currencies: ReadonlySet<string>, isCents: boolean): Money[] {
  const meanings: Money[] = [];
  const values = readNumber(number);
  for (const currency of currencies)
    for (const value of values) {
      const minorUnits = parseAmount(isCents ? String(Number(value) / 100) : value, currency);
      if (minorUnits !== null) meanings.push({ minorUnits, currency });
    }
  return meanings;
}

const escape = (name: string): string => name.replaceAll(/[$.*+?()[\]{}|^\\]/g, String.raw`\$&`);

/** Replaces full-width digits and signs. The text keeps its length. */
const toHalfWidth = (text: string): string =>
  text.replaceAll(/[\uff01-\uff5e]/g, (each) => String.fromCharCode(each.charCodeAt(0) - 0xfee0));

/** Returns all numbers of a text, whatever they count, as decimals. */
export const readNumbers = (text: string): string[] =>
  [...toHalfWidth(text).matchAll(NUMBERS)].flatMap(([number]) => readNumber(number));
