import type { EntityManager } from '../platform/db/orm.js';
import { toSearchWords } from '../platform/db/search-words.js';
import { toProductSearch } from './product-filter.js';
import { isCatalogueEmpty } from './is-catalogue-empty.js';
import { Product } from './product.entity.js';

/** Products that contain the words of a term. Of more, none can be the one that is meant. */
const MAX_CANDIDATES = 20;

/** Products that a conversation has shown, the last ones. */
const MAX_SHOWN = 100;

/** Finds the titles of catalogue products that a model has named in its own words. */
export class ProductTitles {
  /**
   * Returns the titles of the products that the terms name. A term names a product by its title or SKU; by words that
   * occur in no other title, those of products that the conversation has shown first; or by a text with the title of a
   * product that was shown.
   */
  async find(em: EntityManager, conversationId: string, terms: readonly string[]): Promise<Map<string, string>> {
    const named = new Map<string, string>();
    if (terms.length === 0 || (await isCatalogueEmpty(em))) return named;
    const shown = await findShown(em, conversationId);
    for (const term of new Set(terms)) {
      const title = findTitle(term, shown) ?? findTitle(term, await findCandidates(em, term));
      if (title !== null) named.set(term, title);
    }
    return named;
  }
}

interface Candidate {
  sku: string;
  title: string;
}

function findTitle(term: string, products: readonly Candidate[]): string | null {
  const words = toWords(term);
  const key = words.join(' ');
  const titles = products.map(({ sku, title }) => ({ title, sku: toWords(sku).join(' '), words: toWords(title) }));
  const same = titles.find((each) => each.words.join(' ') === key || each.sku === key);
  if (same) return same.title;
  // The longest title first: "Brook trail shoes" is no pair of "trail shoes".
  const contained = titles
    .filter((each) => ` ${key} `.includes(` ${each.words.join(' ')} `))
    .toSorted((a, b) => b.words.length - a.words.length)[0];
  if (contained) return contained.title;
  const containing = new Set(
    titles.filter((each) => words.every((word) => each.words.includes(word))).map(({ title }) => title),
  );
  return containing.size === 1 ? [...containing][0]! : null;
}

const toWords = (text: string): string[] => toSearchWords(text);

async function findShown(em: EntityManager, conversationId: string): Promise<Candidate[]> {
  return await em.execute<Candidate[]>(
    `select p.sku, p.title from product_mentions p join messages m on m.id = p.answer_id
     where m.conversation_id = ? order by p.id desc limit ${MAX_SHOWN}`,
    [conversationId],
  );
}

async function findCandidates(em: EntityManager, term: string): Promise<Candidate[]> {
  const found = await em.find(Product, toProductSearch(em, term), {
    fields: ['sku', 'title'],
    limit: MAX_CANDIDATES + 1,
    disableIdentityMap: true,
  });
  return found.length > MAX_CANDIDATES
    ? found.filter(({ title }) => toWords(title).join() === toWords(term).join())
    : found;
}
