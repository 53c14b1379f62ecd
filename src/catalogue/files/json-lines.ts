import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import type { FileRecord } from './record.js';

/** Reads one object in the form of ProductInput per line. `price` may also be a text or a number beside `currency`. */
export async function* readJsonLines(stream: Readable): AsyncGenerator<FileRecord> {
  let line = 0;
  for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() === '') continue;
    yield { line, ...parse(text.replace(/^\uFEFF/, '')) };
  }
}

function parse(text: string): { input: unknown } | { mistake: string } {
  try {
    const value = JSON.parse(text) as unknown;
    return { input: value !== null && typeof value === 'object' ? withMoney(value) : value };
  } catch {
    return { mistake: 'Must be a JSON object.' };
  }
}

function withMoney(value: { price?: unknown; currency?: unknown }): unknown {
  if (typeof value.price !== 'string' && typeof value.price !== 'number') return value;
  return { ...value, price: { amount: String(value.price), currency: value.currency } };
}
