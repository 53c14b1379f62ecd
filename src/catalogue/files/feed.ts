import type { Readable } from 'node:stream';
import { SaxesParser } from 'saxes';
import { toProductInput } from './google-product.js';
import type { FileRecord } from './record.js';

const MAX_VALUE_CHARACTERS = 100_000;
const MAX_VALUES = 1_000;

/** Reads the items of an RSS 2.0 feed, or the entries of an Atom feed, with the elements of Google's product data. */
export async function* readFeed(stream: Readable): AsyncGenerator<FileRecord> {
  const items = new ItemParser();
  const decoder = new TextDecoder();
  try {
    for await (const chunk of stream) {
      items.write(decoder.decode(chunk as Buffer, { stream: true }));
      yield* items.take();
    }
    items.close();
  } catch (error) {
    yield* items.take();
    if (!(error instanceof MalformedXmlError)) throw error;
    yield { line: items.line, mistake: error.message };
  }
}

class MalformedXmlError extends Error {}

/** Collects the direct children of items. Nested elements, such as shipping costs, are ignored. */
class ItemParser {
  readonly #parser = new SaxesParser();
  #complete: FileRecord[] = [];
  #values: Record<string, string[]> | null = null;
  #count = 0;
  /** How deep the parser is within an item: 1 for its children. */
  #depth = 0;
  #text = '';

  constructor() {
    this.#parser.on('error', ({ message }) => {
      throw new MalformedXmlError(message);
    });
    this.#parser.on('opentag', ({ name }) => this.#open(name));
    this.#parser.on('closetag', ({ name }) => this.#close(name));
    const append = (text: string) => {
      if (this.#depth === 1 && this.#text.length < MAX_VALUE_CHARACTERS) this.#text += text;
    };
    this.#parser.on('text', append);
    this.#parser.on('cdata', append);
  }

  get line(): number {
    return this.#parser.line;
  }

  write(text: string): void {
    this.#parser.write(text);
  }

  close(): void {
    this.#parser.close();
  }

  /** Returns the items that are complete. */
  take(): FileRecord[] {
    return this.#complete.splice(0);
  }

  #open(name: string): void {
    if (this.#values) {
      this.#depth += 1;
      this.#text = '';
    } else if (name === 'item' || name === 'entry') {
      this.#values = Object.create(null) as Record<string, string[]>;
      this.#count = 0;
    }
  }

  #close(name: string): void {
    if (!this.#values) return;
    if (this.#depth === 0) {
      this.#complete.push({ line: this.line, input: toProductInput(this.#values) });
      this.#values = null;
      return;
    }
    this.#depth -= 1;
    if (this.#depth > 0 || this.#count >= MAX_VALUES) return;
    this.#count += 1;
    (this.#values[name.replace(/^g:/, '')] ??= []).push(this.#text);
  }
}
