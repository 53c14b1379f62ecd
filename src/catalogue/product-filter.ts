import { raw, type FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/orm.js';
import { toTermFilter, type SearchIndex } from '../platform/db/search-filter.js';
import { toFtsPhrase, toSearchWords } from '../platform/db/search-words.js';
import { sql } from '../platform/db/sql.js';
import { BadUserInputError } from '../platform/errors/api-error.js';
import { parseAmount } from './money.js';
import type { Product } from './product.entity.js';
import type { MoneyInput, ProductFilter } from './product.types.js';

const MAX_ATTRIBUTES = 20;

/** Categories have no name. See the migration that creates `product_facets`. */
const CATEGORY = '';

/**
 * Builds the condition of a structured filter.
 * @throws BadUserInputError for an invalid price, two currencies, or too many attributes
 */
export function toProductFilter(filter: ProductFilter): FilterQuery<Product>[] {
  const conditions: FilterQuery<Product>[] = [];
  if (filter.available != null) conditions.push({ available: filter.available });
  conditions.push(...toPriceConditions(filter));
  if (filter.category != null) conditions.push(hasFacet(CATEGORY, filter.category));
  const attributes = filter.attributes ?? [];
  if (attributes.length > MAX_ATTRIBUTES)
    throw new BadUserInputError({ 'filter.attributes': `Must have at most ${MAX_ATTRIBUTES} items.` });
  conditions.push(...attributes.map(({ name, value }) => hasFacet(toFacet(name), value)));
  return conditions;
}

function toPriceConditions({ minPrice, maxPrice }: ProductFilter): FilterQuery<Product>[] {
  const currency = minPrice?.currency ?? maxPrice?.currency;
  if (currency === undefined) return [];
  if (minPrice && maxPrice && minPrice.currency !== maxPrice.currency)
    throw new BadUserInputError({ 'filter.maxPrice': 'Must have the currency of `minPrice`.' });
  return [
    { currency },
    minPrice ? { price: { $gte: readBound(minPrice, 'filter.minPrice') } } : {},
    maxPrice ? { price: { $lte: readBound(maxPrice, 'filter.maxPrice') } } : {},
  ];
}

function readBound({ amount, currency }: MoneyInput, field: string): number {
  const price = parseAmount(amount, currency);
  if (price === null) throw new BadUserInputError({ [field]: 'Must be an amount of a currency of ISO 4217.' });
  return price;
}

const toFacet = (text: string): string => toSearchWords(text).join(' ');

const hasFacet = (name: string, value: string): FilterQuery<Product> => ({
  [raw(
    (alias) => `${alias}.id in (select product_id from product_facets where name = ? and value = ?)`,
    [name, toFacet(value)],
  )]: [],
});

/** `search_query` puts the end of an owner's id before each word; products have none. */
const NO_OWNER = '00000000-0000-0000-0000-000000000000';

/** Builds a filter for the products that contain each term. An empty text matches every product. */
export const toProductSearch = (em: EntityManager, text: string): FilterQuery<Product> =>
  toTermFilter(text, getProductIndex(em));

export const getProductIndex = (em: EntityManager): SearchIndex =>
  sql<SearchIndex>(em, {
    sqlite: {
      select:
        'select product_id from product_entries where id in (select rowid from product_search where product_search match ?)',
      toValues: (term) => [toFtsPhrase(term)],
    },
    postgresql: {
      select: `select product_id from product_entries where words @@ search_query('${NO_OWNER}', ?)`,
      toValues: (term) => [term],
    },
  });
