import type { EntityManager } from '../platform/db/orm.js';
import { readRecords } from './files/read-records.js';
import { readProduct, type ProductData } from './product-input.js';
import type { ProductService } from './product.service.js';
import type { ImportProductsPayload } from './product.types.js';

/** One transaction each. */
const BATCH_SIZE = 500;

export interface FileImportOptions {
  /** Compares only. */
  dryRun: boolean;
  /** Deletes the products that are not in the file, if it contains no mistakes. */
  deleteMissing: boolean;
  /** Ends the import after the batch in progress. */
  signal: AbortSignal;
  onBytes: (count: number) => void;
  onMistake: (line: number, message: string) => void;
}

export interface FileImportResult extends ImportProductsPayload {
  /** Records that were not imported. */
  mistakes: number;
  deleted: number;
  /** The line of the last record that was imported. */
  lastLine: number;
  isComplete: boolean;
}

/** Imports the products of a file in batches. When it is repeated, products that are stored are compared only. */
export async function importFile(
  em: EntityManager,
  service: ProductService,
  path: string,
  { dryRun, deleteMissing, signal, onBytes, onMistake }: FileImportOptions,
): Promise<FileImportResult> {
  const result = { added: 0, changed: 0, unchanged: 0, mistakes: 0, deleted: 0, lastLine: 0, isComplete: false };
  const lines = new Map<string, number>();
  let batch: ProductData[] = [];
  const report = (line: number, message: string) => {
    result.mistakes += 1;
    onMistake(line, message);
  };
  const flush = async (line: number) => {
    const counts = await (dryRun ? service.preview(em.fork(), batch) : service.import(em, batch));
    result.added += counts.added;
    result.changed += counts.changed;
    result.unchanged += counts.unchanged;
    result.lastLine = line;
    batch = [];
  };
  let lastLine = 0;
  for await (const record of readRecords(path, onBytes)) {
    const { line } = record;
    lastLine = line;
    const product = read(record);
    if (typeof product === 'string') report(line, product);
    else if (lines.has(product.sku)) report(line, `sku: ${product.sku} is in line ${lines.get(product.sku)} already.`);
    else {
      lines.set(product.sku, line);
      batch.push(product);
    }
    if (batch.length < BATCH_SIZE) continue;
    await flush(line);
    if (signal.aborted) return result;
  }
  if (batch.length > 0) await flush(lastLine);
  result.isComplete = true;
  if (deleteMissing && result.mistakes === 0) result.deleted = await deleteOthers(em, service, lines, dryRun);
  return result;
}

/** Returns the product, or what is wrong with it. */
function read(record: { input: unknown } | { mistake: string }): ProductData | string {
  if ('mistake' in record) return record.mistake;
  const result = readProduct(record.input);
  if ('product' in result) return result.product;
  return result.mistakes.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join(' ');
}

async function deleteOthers(
  em: EntityManager,
  service: ProductService,
  kept: ReadonlyMap<string, number>,
  dryRun: boolean,
): Promise<number> {
  const missing: string[] = [];
  for await (const { sku } of service.all(em)) if (!kept.has(sku)) missing.push(sku);
  if (dryRun) return missing.length;
  let deleted = 0;
  for (let i = 0; i < missing.length; i += BATCH_SIZE)
    deleted += await service.delete(em, missing.slice(i, i + BATCH_SIZE));
  return deleted;
}
