import { PreparedQuery, type QueryTarget } from '../platform/db/prepared-query.js';

/** Reads one entry of the index, however many products there are. */
const firstSku = new PreparedQuery<[], { sku: string | null }>('select min(sku) as sku from products');

export async function isCatalogueEmpty(target: QueryTarget): Promise<boolean> {
  return (await firstSku.get(target))!.sku === null;
}
