import { findUnverified } from '../../src/catalogue/prices/find-unverified.js';
import { AmountReader, readNumbers } from '../../src/catalogue/prices/read-amounts.js';
import { createPriceCorpus } from '../kit/price-corpus.js';

const read = (text: string, currencies: string[] = []) =>
  new AmountReader(currencies).read(text).map(({ offset, text: found, meanings }) => {
    expect(text.slice(offset, offset + found.length)).toBe(found);
    return `${found}=${meanings.map(({ minorUnits, currency }) => `${minorUnits} ${currency}`)[0] ?? ''}`;
  });

test.each([
  ['It costs $1,299.00.', ['$1,299.00=129900 USD']],
  ['US$20, $20.50 or 20 dollars', ['US$20=2000 USD', '$20.50=2050 USD', '20 dollars=2000 USD']],
  ['Das sind 1.299,00 € oder 1.299 Euro.', ['1.299,00 €=129900 EUR', '1.299 Euro=129900 EUR']],
  ['EUR 12,50 / 12,50 EUR / € 12,50', ['EUR 12,50=1250 EUR', '12,50 EUR=1250 EUR', '€ 12,50=1250 EUR']],
  ['1 299,50 € ou 1 299 euros', ['1 299,50 €=129950 EUR', '1 299 euros=129900 EUR']],
  ['2.500 euros, 99 céntimos', ['2.500 euros=250000 EUR', '99 céntimos=99 EUR']],
  ["CHF 1'299.– und 299.- CHF", ["CHF 1'299.–=129900 CHF", '299.- CHF=29900 CHF']],
  [
    '価格は1,299円、￥２，５００、3万円、1万2,800円です。',
    ['1,299円=1299 JPY', '￥２，５００=2500 JPY', '3万円=30000 JPY', '1万2,800円=12800 JPY'],
  ],
  ['₹1,23,456 and £5', ['₹1,23,456=12345600 INR', '£5=500 GBP']],
  ['a 300-euro tent, **289** €, €**45**', ['300-euro=30000 EUR', '289** €=28900 EUR', '€**45=4500 EUR']],
  ['$1.2k or 2 million euros', ['$1.2k=120000 USD', '2 million euros=200000000 EUR']],
  ['100–200 €, $100-200', ['100=10000 EUR', '200 €=20000 EUR', '$100=10000 USD', '200=20000 USD']],
  ['1.9 kg, 45 litres, 64 GB, 5 L, 30 days, 2026, 20 %, DEMO-1, top 10', []],
  ['A bag of 5 pounds; 3 livres', []],
])('%j has the amounts %j', (text, amounts) => expect(read(text)).toEqual(amounts));

test('currencies of the catalogue are read by their codes, signs and names', () => {
  const text = '5 000 ₸, 5000 KZT, 12 pounds, 120 kr, 30 Kč';
  expect(read(text)).toEqual([]);
  expect(read(text, ['KZT', 'GBP', 'SEK', 'CZK'])).toEqual([
    '5 000 ₸=500000 KZT',
    '5000 KZT=500000 KZT',
    '12 pounds=1200 GBP',
    '120 kr=12000 SEK',
    '30 Kč=3000 CZK',
  ]);
});

test('numbers are read as any language may mean them', () => {
  expect(readNumbers('at most 1.500 or 12,5')).toEqual(['1500', '1.5', '12.5']);
});

test('products, multiples, sums and what the user said confirm an amount; nothing else does', () => {
  const evidence = {
    products: [
      { title: 'Tent', minorUnits: 28_900, currency: 'EUR' },
      { title: 'Stove', minorUnits: 5_999, currency: 'EUR' },
    ],
    amounts: [{ minorUnits: 495, currency: 'EUR' }],
    numbers: new Set(['350']),
  };
  const check = (text: string) =>
    findUnverified(text, '', new AmountReader(['EUR']), evidence).map((each) => each.text);
  expect(check('289 €, 59.99 €, 5 × 59.99 = 299.95 €, together 348.99 €, shipping 4.95 €, below 350 €')).toEqual([]);
  expect(check('289 $, 259 €, 0 €, 6 × 59.99 = 359.94 €, 350.50 €')).toEqual([
    '289 $',
    '259 €',
    '0 €',
    '359.94 €',
    '350.50 €',
  ]);
});

test.each([1, 2, 3])('invented amounts are flagged, and true ones are not (seed %d)', (seed) => {
  const { products, dialogues } = createPriceCorpus(seed);
  expect([products.length, dialogues.length]).toEqual([300, 200]);
  const reader = new AmountReader(['EUR', 'USD', 'GBP', 'CHF', 'JPY']);
  const counts = { lies: 0, flaggedLies: 0, truths: 0, flaggedTruths: 0 };
  for (const { question, results, statements } of dialogues) {
    const answer = statements.map(({ text }) => text).join('\n');
    const evidence = {
      products: results.map(({ title, price, currency }) => ({ title, minorUnits: price!, currency: currency! })),
      amounts: [],
      numbers: new Set(readNumbers(question)),
    };
    const flagged = findUnverified(answer, question, reader, evidence);
    let offset = 0;
    for (const { text, isTrue } of statements) {
      const isFlagged = flagged.some((each) => each.offset >= offset && each.offset < offset + text.length);
      counts[isTrue ? 'truths' : 'lies'] += 1;
      if (isFlagged) counts[isTrue ? 'flaggedTruths' : 'flaggedLies'] += 1;
      offset += text.length + 1;
    }
  }
  expect(counts.lies).toBeGreaterThan(200);
  expect(counts.flaggedLies / counts.lies).toBeGreaterThanOrEqual(0.98);
  expect(counts.flaggedTruths / counts.truths).toBeLessThanOrEqual(0.01);
});
