import type { Readable } from 'node:stream';
import { parse, type CsvError } from 'csv-parse';
import { toProductInput } from './google-product.js';
import type { FileRecord } from './record.js';

const MAX_RECORD_CHARACTERS = 1_000_000;
const ATTRIBUTE = 'attribute:';

type Row = Record<string, string>;

/**
 * Reads CSV or TSV with the columns of ProductInput, or with those of a Google Merchant Center feed if there is no column
 * `sku`.
 */
export async function* readTable(stream: Readable, delimiter: string): AsyncGenerator<FileRecord> {
  const skipped: FileRecord[] = [];
  const parser = parse({
    delimiter,
    bom: true,
    columns: (names: string[]) => names.map((name) => name.trim()),
    info: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    on_skip: (error: CsvError | undefined) => {
      const { lines } = (error ?? {}) as { lines?: number };
      skipped.push({ line: lines ?? 0, mistake: error?.message ?? 'The record cannot be read.' });
      return undefined;
    },
  });
  stream.on('error', (error) => parser.destroy(error));
  for await (const { record, info } of stream.pipe(parser) as AsyncIterable<{ record: Row; info: { lines: number } }>) {
    yield* skipped.splice(0);
    yield { line: info.lines, input: 'sku' in record ? readRow(record) : toProductInput(toLists(record)) };
  }
  yield* skipped;
}

function readRow(row: Row): unknown {
  const { sku, title, description, url, imageUrl, price, currency, available, categories } = row;
  const attributes = Object.entries(row)
    .filter(([name, value]) => name.startsWith(ATTRIBUTE) && value !== '')
    .map(([name, value]) => ({ name: name.slice(ATTRIBUTE.length), value }));
  return {
    sku,
    title,
    description: description || null,
    url: url || null,
    imageUrl: imageUrl || null,
    price: price ? { amount: price, currency: currency ?? '' } : null,
    ...(available ? { available: readBoolean(available) } : {}),
    categories: (categories ?? '').split('|').filter((name) => name.trim() !== ''),
    attributes,
  };
}

/** Returns other texts unchanged, so that they are reported. */
function readBoolean(text: string): boolean | string {
  const value = text.trim().toLowerCase();
  if (['true', 'yes', '1'].includes(value)) return true;
  return ['false', 'no', '0'].includes(value) ? false : text;
}

const toLists = (row: Row): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name.replace(/^g:/, '').replaceAll(' ', '_'), [value]]),
  );
