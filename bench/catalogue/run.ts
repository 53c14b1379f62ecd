/**
 * Measures the catalogue on SQLite: `npm run bench:catalogue`.
 *
 * - The search of 100,000 products by `products` and by the model's look-up, beside the plain query of the same condition
 *   with the database driver.
 * - The way of a token into an answer with the removal of product markers, beside the way without it, in turns.
 *
 *   SEARCHES=500 npm run bench:catalogue    the number of searches
 *   SCALE=0.05 npm run bench:catalogue      fewer products and tokens, to see that it works
 */
import 'reflect-metadata';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { LiveAnswer } from '../../src/answering/live-answer.js';
import { ProductMarkerSplitter } from '../../src/catalogue/product-marker.js';
import type { ProductData } from '../../src/catalogue/product-input.js';
import { ProductService } from '../../src/catalogue/product.service.js';
import { entities } from '../../src/entities.js';
import { openDatabase } from '../../src/platform/db/database.js';
import type { EntityManager } from '../../src/platform/db/orm.js';
import { toFtsPhrase } from '../../src/platform/db/search-words.js';
import { showProgress } from '../kit/progress.js';
import { formatTable } from '../kit/report.js';
import { writeResults } from '../kit/results.js';
import { toCount } from '../kit/scale.js';
import { createTemporaryFolder } from '../kit/temporary-folder.js';

const PRODUCTS = toCount(100_000, 1_000);
const SEARCHES = Number(process.env['SEARCHES'] ?? toCount(500, 20));
/** Answers of 500 tokens. */
const ANSWERS = toCount(1_000, 50);
const TOKENS = 500;
const ROUNDS = 15;
const PAGE = 20;

const COLOURS = 'moss slate amber coral ivory plum teal rust sand ink'.split(' ');
const KINDS = 'tent stove lamp jacket mat bottle boots rope knife backpack'.split(' ');
const USES = 'camping hiking climbing sailing cycling running fishing skiing travel garden'.split(' ');

/** Each pair of words occurs in one of a hundred products, and each triple in one of a thousand. */
const createProduct = (i: number): ProductData => {
  const [colour, kind, use] = [COLOURS[i % 10]!, KINDS[Math.floor(i / 10) % 10]!, USES[Math.floor(i / 100) % 10]!];
  return {
    sku: `SKU-${i}`,
    title: `${colour} ${kind} ${Math.floor(i / 1000)}`,
    description: `A ${kind} for ${use}, in ${colour}, model ${i}.`,
    url: `https://shop.example/${i}`,
    imageUrl: null,
    price: 500 + ((i * 7919) % 50_000),
    currency: 'EUR',
    available: i % 5 !== 0,
    categories: [use],
    attributes: [{ name: 'Colour', value: colour }],
  };
};

/** Two or three words, as people type them. */
const createQuery = (i: number): string =>
  [COLOURS[(i * 3) % 10]!, KINDS[(i * 7) % 10]!, ...(i % 2 === 0 ? [USES[(i * 11) % 10]!] : [])].join(' ');

const folder = createTemporaryFolder();
const path = join(folder, 'catalogue.db');
const orm = await openDatabase({ dialect: 'sqlite', path }, entities);
const service = new ProductService();
const startedAt = performance.now();
for (let i = 0; i < PRODUCTS; i += 500) {
  showProgress(`importing ${i} of ${PRODUCTS} products`);
  const batch = Array.from({ length: Math.min(500, PRODUCTS - i) }, (_, j) => createProduct(i + j));
  await service.import(orm.em.fork(), batch);
}
const importSeconds = (performance.now() - startedAt) / 1_000;

const plain = new Database(path, { readonly: true });
const find =
  'select product_id from product_entries where id in (select rowid from product_search where product_search match ?)';
const statements = new Map(
  [2, 3].map((words) => {
    const condition = Array.from({ length: words }, () => `id in (${find})`).join(' and ');
    return [words, plain.prepare(`select * from products where ${condition} order by title, id limit ${PAGE + 1}`)];
  }),
);

const WAYS: Record<string, (query: string) => Promise<number> | number> = {
  'plain query': (query) => {
    const words = query.split(' ');
    return statements.get(words.length)!.all(...words.map(toFtsPhrase)).length;
  },
  '`products`': async (query) => {
    const page = await service.list(createReader(orm.em.fork()), { first: PAGE, search: query });
    return page.edges.length;
  },
  '`searchProducts`': async (query) => {
    const found = await service.search(orm.em.fork(), { query, sort: 'relevance', limit: 5 });
    return found.products.length;
  },
};

const createReader = (em: EntityManager) => ({ db: em, em, spend: () => {} });

const durations = new Map(Object.keys(WAYS).map((name) => [name, [] as number[]]));
for (let i = 0; i < SEARCHES; i += 1) {
  showProgress(`search ${i} of ${SEARCHES}`);
  for (const [name, search] of Object.entries(WAYS)) {
    const begin = performance.now();
    const count = await search(createQuery(i));
    durations.get(name)!.push(performance.now() - begin);
    if (count === 0 && PRODUCTS >= 1_000) throw new Error(`${name} found nothing for ${createQuery(i)}.`);
  }
}
await orm.close(true);
plain.close();

/** Feeds the tokens of answers without products to live answers. Returns nanoseconds for a token. */
function measureTokens(createSink: (live: LiveAnswer) => (token: string) => void): number {
  const begin = performance.now();
  for (let answer = 0; answer < ANSWERS; answer += 1) {
    const sink = createSink(new LiveAnswer('bench'));
    for (let i = 0; i < TOKENS; i += 1) sink(i % 7 === 0 ? ' token,' : ' word');
  }
  return ((performance.now() - begin) / ANSWERS / TOKENS) * 1e6;
}

const TOKEN_WAYS = {
  without: (live: LiveAnswer) => (token: string) => live.append(token),
  with: (live: LiveAnswer) => {
    const splitter = new ProductMarkerSplitter({ onText: (text) => live.append(text), onProduct: () => {} });
    return (token: string) => splitter.add(token);
  },
};
const tokenRounds: Record<keyof typeof TOKEN_WAYS, number>[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const figures = { without: 0, with: 0 };
  const order = ['without', 'with'] as const;
  // The way that is measured second finds the garbage of the first.
  for (const way of round % 2 === 0 ? order : order.toReversed()) {
    // Lets the flushes run that the last answers have scheduled.
    await new Promise(setImmediate);
    figures[way] = measureTokens(TOKEN_WAYS[way]);
  }
  tokenRounds.push(figures);
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
const median = (values: readonly number[]): number => quantile(values, 0.5);

const searches = Object.fromEntries(
  [...durations].map(([name, values]) => [name, { p50: quantile(values, 0.5), p99: quantile(values, 0.99) }]),
);
const token = {
  withoutNs: median(tokenRounds.map((round) => round.without)),
  withNs: median(tokenRounds.map((round) => round.with)),
  ratio: median(tokenRounds.map((round) => round.with / round.without)),
};
showProgress('');
console.log(`\r${PRODUCTS} products, imported in ${importSeconds.toFixed(1)} s. ${SEARCHES} searches, in ms:\n`);
console.log(
  formatTable([
    ['search', 'p50', 'p99'],
    ...Object.entries(searches).map(([name, { p50, p99 }]) => [name, p50.toFixed(2), p99.toFixed(2)]),
  ]),
);
console.log(`\nA token of an answer without look-ups, in ns (medians of ${ROUNDS} rounds):\n`);
console.log(
  formatTable([
    ['markers are removed', 'ns', 'ratio'],
    ['no', token.withoutNs.toFixed(0), '1.00'],
    ['yes', token.withNs.toFixed(0), token.ratio.toFixed(2)],
  ]),
);
writeResults('catalogue', { products: PRODUCTS, importSeconds, searches, token });
process.exit();
