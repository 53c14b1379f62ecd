import type { EntityManager } from '../platform/db/orm.js';
import { readSearchTerms, toSearchWords } from '../platform/db/search-words.js';
import { getProductIndex } from './product-filter.js';

/** Terms of one text that are searched: the longest, which tell products apart best. */
const MAX_TERMS = 8;

/** A term with more products than this says little about any. */
const MAX_PRODUCTS_PER_TERM = 200;

/** What a text counts in comparison with the one before it. */
const LATER_TEXT_WEIGHT = 0.5;

/** In UTF-16 code units; the rest of longer texts is ignored. */
const MAX_TEXT_LENGTH = 4_000;

/** Returns the ids of products that contain words of the texts. Rare words, and those of earlier texts, count more. */
export async function findRelatedIds(em: EntityManager, texts: readonly string[]): Promise<string[]> {
  const { select, toValues } = getProductIndex(em);
  const scores = new Map<string, number>();
  let weight = 1;
  for (const text of texts) {
    for (const term of toTerms(text)) {
      const rows = await em.execute<{ product_id: string }[]>(
        `${select} limit ${MAX_PRODUCTS_PER_TERM}`,
        toValues(term),
      );
      for (const { product_id: id } of rows) scores.set(id, (scores.get(id) ?? 0) + weight / rows.length);
    }
    weight *= LATER_TEXT_WEIGHT;
  }
  return [...scores].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([id]) => id);
}

/** Returns words of a text; of scripts that are written without spaces, pairs of characters. */
function toTerms(text: string): string[] {
  const words = text
    .slice(0, MAX_TEXT_LENGTH)
    .split(/\s+/)
    .flatMap((word) => readSearchTerms(word))
    .flatMap((term) => toPairs(toSearchWords(term)));
  return [...new Set(words)].toSorted((a, b) => b.length - a.length).slice(0, MAX_TERMS);
}

const toPairs = (words: readonly string[]): string[] =>
  words.length < 2 ? [...words] : words.slice(1).map((word, i) => `${words[i]}${word}`);
