import type { FilterQuery, QueryOrderMap } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/orm.js';
import { findPage, type ListOrder, type Page, type Reader } from '../platform/db/find-page.js';
import { isId, newId } from '../platform/db/ids.js';
import { sql } from '../platform/db/sql.js';
import { inTransaction } from '../platform/db/transaction.js';
import { isCatalogueEmpty } from './is-catalogue-empty.js';
import { Product } from './product.entity.js';
import { toProductFilter, toProductSearch } from './product-filter.js';
import type { ProductData } from './product-input.js';
import type { ImportProductsPayload, ProductFilter, ProductsArgs } from './product.types.js';
import { findRelatedIds } from './related-products.js';

const LIST: ListOrder<Product> = {
  entity: Product,
  orderBy: { title: 'asc', id: 'asc' },
  cursor: ['text', 'id'],
};

const BATCH_SIZE = 500;

/** A search of a model. */
export interface ProductSearch {
  query: string;
  filter?: ProductFilter | null;
  sort: keyof typeof ORDERS;
  limit: number;
}

export interface FoundProducts {
  products: Product[];
  /** Whether they contain all words of the search. */
  isExact: boolean;
}

/** What can be bought comes first. */
const ORDERS = {
  relevance: { available: 'desc', title: 'asc', id: 'asc' },
  priceLowToHigh: { price: 'asc', id: 'asc' },
  priceHighToLow: { price: 'desc nulls last', id: 'asc' },
} as const satisfies Record<string, QueryOrderMap<Product>>;

/** Products that contain some of the words, which a filter may exclude. */
const MAX_RELATED = 200;

/** The catalogue of the shop. */
export class ProductService {
  /** Returns null if the id is malformed or unknown. */
  async find(em: EntityManager, _viewer: unknown, id: string): Promise<Product | null> {
    return isId(id) ? await em.findOne(Product, { id }) : null;
  }

  async findBySku(em: EntityManager, sku: string): Promise<Product | null> {
    return await em.findOne(Product, { sku });
  }

  /**
   * Returns a page of the products that match, by title.
   * @throws BadUserInputError for an invalid page or filter
   */
  async list(reader: Reader, { first, after, search, filter }: ProductsArgs): Promise<Page<Product>> {
    const request = { first, after };
    return await findPage(reader, request, {
      ...LIST,
      where: () => ({ $and: [toProductSearch(reader.em, search ?? ''), ...toProductFilter(filter ?? {})] }),
      defaultPage: { first: 20 },
    });
  }

  /** Returns whether there are no products. */
  async isEmpty(em: EntityManager): Promise<boolean> {
    return await isCatalogueEmpty(em);
  }

  /**
   * Returns up to `limit` products that match. Without a match for all words of the search, returns those that suit some.
   * @throws BadUserInputError for an invalid filter
   */
  async search(em: EntityManager, { query, filter, sort, limit }: ProductSearch): Promise<FoundProducts> {
    const conditions = () => toProductFilter(filter ?? {});
    const find = (first: FilterQuery<Product>) =>
      em.find(Product, { $and: [first, ...conditions()] }, { orderBy: ORDERS[sort], limit, disableIdentityMap: true });
    const products = await find(toProductSearch(em, query));
    if (products.length > 0 || query.trim() === '') return { products, isExact: true };
    const ids = await findRelatedIds(em, [query]);
    if (ids.length === 0) return { products: [], isExact: true };
    const related = await find({ id: { $in: ids.slice(0, MAX_RELATED) } });
    const byRelevance = related.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    return { products: sort === 'relevance' ? byRelevance : related, isExact: false };
  }

  /** Returns the products that suit texts best, those for earlier texts first. */
  async findRelated(em: EntityManager, texts: readonly string[], limit: number): Promise<Product[]> {
    const ids = (await findRelatedIds(em, texts)).slice(0, limit);
    const rows = await em.find(Product, { id: { $in: ids } }, { disableIdentityMap: true });
    return rows.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
  }

  /**
   * Adds products and changes those with a known SKU, all or none. Rows that would not change are not written.
   * @param products with an SKU each; at most a few hundred, because they are written at once
   */
  async import(em: EntityManager, products: readonly ProductData[]): Promise<ImportProductsPayload> {
    return await inTransaction(em, async (tx) => {
      await lockCatalogue(tx);
      const { stored, added, changed, counts } = await compare(tx, products);
      const updatedAt = new Date();
      const rows = [...added, ...changed].map((product) => ({
        ...product,
        id: stored.get(product.sku)?.id ?? newId(),
        updatedAt,
      }));
      if (rows.length > 0) await tx.upsertMany(Product, rows, { onConflictFields: ['sku'], disableIdentityMap: true });
      return counts;
    });
  }

  /** Returns what an import would do. */
  async preview(em: EntityManager, products: readonly ProductData[]): Promise<ImportProductsPayload> {
    return (await compare(em, products)).counts;
  }

  /** Returns all products, in batches, so that a large catalogue does not fill the memory. */
  async *all(em: EntityManager): AsyncGenerator<Product> {
    for (let after: string | null = null; ;) {
      const where = after === null ? {} : { id: { $gt: after } };
      const rows: Product[] = await em
        .fork()
        .find(Product, where, { orderBy: { id: 'asc' }, limit: BATCH_SIZE, disableIdentityMap: true });
      yield* rows;
      if (rows.length < BATCH_SIZE) return;
      after = rows.at(-1)!.id;
    }
  }

  /** Removes products. Returns how many of the SKUs were known. */
  async delete(em: EntityManager, skus: readonly string[]): Promise<number> {
    return await inTransaction(em, async (tx) => {
      await lockCatalogue(tx);
      return await tx.nativeDelete(Product, { sku: { $in: [...skus] } });
    });
  }
}

async function compare(em: EntityManager, products: readonly ProductData[]) {
  const rows = await em.find(Product, { sku: { $in: products.map(({ sku }) => sku) } }, { disableIdentityMap: true });
  const stored = new Map(rows.map((row) => [row.sku, row]));
  const added = products.filter(({ sku }) => !stored.has(sku));
  const changed = products.filter((product) => {
    const row = stored.get(product.sku);
    return row !== undefined && !isSame(row, product);
  });
  const unchanged = products.length - added.length - changed.length;
  return { stored, added, changed, counts: { added: added.length, changed: changed.length, unchanged } };
}

/** Lets one import run at a time, so that two of them cannot add the same SKU. Reads go on. */
const lockCatalogue = (tx: EntityManager) =>
  // SQLite has one writer at a time.
  sql(tx, {
    sqlite: async () => {},
    postgresql: async () => void (await tx.execute('lock table products in share row exclusive mode')),
  })();

const FIELDS = [
  'title',
  'description',
  'url',
  'imageUrl',
  'price',
  'currency',
  'available',
  'categories',
  'attributes',
] as const satisfies (keyof ProductData)[];

const isSame = (row: Product, data: ProductData): boolean =>
  FIELDS.every((field) => toComparable(row[field]) === toComparable(data[field]));

/** PostgreSQL keeps the members of an object in an order of its own. */
const toComparable = (value: ProductData[(typeof FIELDS)[number]]): string =>
  JSON.stringify(
    Array.isArray(value) ? value.map((item) => (typeof item === 'string' ? item : [item.name, item.value])) : value,
  );
