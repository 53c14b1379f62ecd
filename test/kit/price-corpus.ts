import { formatAmount, getDecimals } from '../../src/catalogue/money.js';
import type { ProductData } from '../../src/catalogue/product-input.js';
import { createRandom } from './random.js';

/** A statement of an answer with one amount of money, and whether it is true. */
export interface Statement {
  text: string;
  amount: string;
  isTrue: boolean;
}

/** What a model says of some products, in parts that are true or invented. */
export interface Dialogue {
  question: string;
  /** The products that the model has found. */
  results: ProductData[];
  statements: Statement[];
}

const SHOPS = [
  { locale: 'en-US', currency: 'USD', word: 'dollars' },
  { locale: 'en-GB', currency: 'GBP', word: 'GBP' },
  { locale: 'de-DE', currency: 'EUR', word: 'Euro' },
  { locale: 'fr-FR', currency: 'EUR', word: 'euros' },
  { locale: 'es-ES', currency: 'EUR', word: 'euros' },
  { locale: 'de-CH', currency: 'CHF', word: 'CHF' },
  { locale: 'ja-JP', currency: 'JPY', word: '円' },
] as const;
type Shop = (typeof SHOPS)[number];

const ADJECTIVES =
  'Alpine Brook Cinder Drift Ember Fern Granite Harbour Inlet Juniper Kestrel Lumen Moss North Otter'.split(' ');
const NOUNS = 'backpack,tent,stove,lamp,jacket,mat,bottle,boots,rope,knife'.split(',');

/** What is said around an amount. `{p}` is a product, `{q}` another one, and `{a}` the amount. */
const SENTENCES: Record<string, Record<'one' | 'many' | 'sum' | 'echo', string>> = {
  en: {
    one: 'The {p} weighs 1.9 kg and costs {a}.',
    many: 'For {n} of the {p} you pay {a}.',
    sum: 'The {p} and the {q} are {a} together.',
    echo: 'That stays below your limit of {a}.',
  },
  de: {
    one: 'Der Artikel {p} wiegt 1,9 kg und kostet {a}.',
    many: '{n} Stück {p} kosten {a}.',
    sum: '{p} und {q} kosten zusammen {a}.',
    echo: 'Das bleibt unter Ihrer Grenze von {a}.',
  },
  fr: {
    one: 'Le produit {p} pèse 1,9 kg et coûte {a}.',
    many: 'Pour {n} {p}, comptez {a}.',
    sum: '{p} et {q} : {a} au total.',
    echo: 'Cela reste sous votre limite de {a}.',
  },
  es: {
    one: 'El {p} pesa 1,9 kg y cuesta {a}.',
    many: '{n} {p} cuestan {a}.',
    sum: '{p} y {q} cuestan juntos {a}.',
    echo: 'Eso queda por debajo de su límite de {a}.',
  },
  ja: {
    one: '{p}の重さは1.9kgで、価格は{a}です。',
    many: '{p}を{n}個で{a}になります。',
    sum: '{p}と{q}で合計{a}です。',
    echo: 'ご予算の{a}以内です。',
  },
};

/**
 * Creates a catalogue of 300 products and dialogues about them, in the languages and currencies that prices are read in.
 * About half of the statements are invented: another price of a product, a discount, a wrong total, the price of another
 * product. The seed determines everything.
 */
export function createPriceCorpus(seed: number, size = 200): { products: ProductData[]; dialogues: Dialogue[] } {
  const random = createRandom(seed);
  const upTo = (n: number) => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[upTo(list.length)]!;

  const currencies = [...new Set(SHOPS.map(({ currency }) => currency))];
  const products = Array.from({ length: 300 }, (_, i): ProductData => {
    const currency = currencies[i % currencies.length]!;
    return {
      sku: `P-${i + 1}`,
      title: `${ADJECTIVES[Math.floor(i / 5) % 15]!} ${NOUNS[Math.floor(i / 5 / 15) * 2 + (i % 2)] ?? pick(NOUNS)} ${i + 1}`,
      description: null,
      url: null,
      imageUrl: null,
      price: createPrice(currency),
      currency,
      available: true,
      categories: [],
      attributes: [],
    };
  });

  function createPrice(currency: string): number {
    const whole = Math.floor(Math.exp(Math.log(8) + random() * Math.log(200)));
    if (getDecimals(currency) === 0) return whole * 130 + upTo(10) * 10;
    return whole * 100 + pick([0, 0, 50, 90, 95, 99]);
  }

  function write(minorUnits: number, { locale, currency, word }: Shop): string {
    const amount = Number(formatAmount({ minorUnits, currency }));
    const digits = Number.isInteger(amount) && random() < 0.5 ? 0 : getDecimals(currency)!;
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    const number = amount.toLocaleString(locale, options);
    const style = random();
    if (style < 0.5) return amount.toLocaleString(locale, { style: 'currency', currency, ...options });
    if (style < 0.6) return `${currency} ${number}`;
    if (style < 0.7) return `${number} ${currency}`;
    if (style < 0.8) return `**${amount.toLocaleString(locale, { style: 'currency', currency, ...options })}**`;
    return currency === 'JPY' ? `${number}${word}` : `${number} ${word}`;
  }

  function createDialogue(): Dialogue {
    const shop = pick(SHOPS);
    const sold = products.filter(({ currency }) => currency === shop.currency);
    const results = Array.from({ length: 2 + upTo(7) }, () => pick(sold));
    const sentences = SENTENCES[shop.locale.slice(0, 2)]!;
    const budget = (1 + upTo(40)) * 25 * (shop.currency === 'JPY' ? 100 : 1);
    const isTaken = (minorUnits: number) =>
      minorUnits <= 0 || results.some(({ price }) => price === minorUnits) || minorUnits === toMinor(budget);
    const toMinor = (amount: number) => amount * 10 ** getDecimals(shop.currency)!;
    const round = (minorUnits: number) => Math.round(minorUnits / 100) * 100 + pick([0, 0, 50, 90, 95, 99]);
    const invent = (minorUnits: number): number => {
      for (;;) {
        const lie = round(minorUnits * pick([0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.2, 1.5]));
        if (!isTaken(lie) && lie !== minorUnits) return lie;
      }
    };

    const statements = Array.from({ length: 2 + upTo(4) }, (): Statement => {
      const isTrue = random() < 0.5;
      const [p, q] = [pick(results), pick(results)];
      const n = 2 + upTo(4);
      const kind = pick(['one', 'one', 'one', 'many', 'sum', ...(isTrue ? (['echo'] as const) : [])] as const);
      const truth = { one: p.price!, many: n * p.price!, sum: p.price! + q.price!, echo: toMinor(budget) }[kind];
      const amount = write(isTrue ? truth : invent(truth), shop);
      const text = sentences[kind]
        .replace('{p}', p.title)
        .replace('{q}', q.title)
        .replace('{n}', String(n))
        .replace('{a}', () => amount);
      return { text, amount, isTrue };
    });
    return { question: `${budget.toLocaleString(shop.locale)}?`, results, statements };
  }

  return { products, dialogues: Array.from({ length: size }, createDialogue) };
}
