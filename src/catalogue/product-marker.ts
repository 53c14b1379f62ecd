const START = '[[product:';
const END = ']]';

/** The maximum length of an SKU, in characters. */
const MAX_SKU_LENGTH = 64;

/** The maximum length of a marker that lacks its last character, in UTF-16 code units. */
const MAX_INCOMPLETE_LENGTH = START.length + 2 * MAX_SKU_LENGTH + END.length - 1;

const SKU = `[^[\\]\\p{Cc}]`;
const COMPLETE = new RegExp(`^\\[\\[product:(${SKU}{1,${MAX_SKU_LENGTH}})\\]\\]`, 'u');
const INCOMPLETE = new RegExp(`^\\[\\[product:${SKU}{0,${MAX_SKU_LENGTH}}\\]?$`, 'u');

const mayBecomeMarker = (text: string): boolean => START.startsWith(text) || INCOMPLETE.test(text);

/** Returns the marker by which a model shows a product. */
export const toProductMarker = (sku: string): string => START + sku + END;

/**
 * Takes markers such as `[[product:SKU]]` out of a text that arrives in pieces. The pieces may be cut anywhere: only what
 * may become a marker is held back, which is less than its 76 characters. Whatever is not a marker is text. The text that
 * is left never holds a marker, also where the removal of one joins the parts of another.
 */
export class ProductMarkerSplitter {
  /** What may become a marker. The first `#passed` code units are part of the text already. */
  #buffer: string;
  #passed: number;
  /** The end of the text that was passed on since the last piece without a bracket. */
  #tail = '';
  #text = '';

  /** @param beginning the text before the first piece, which must not become a marker together with it */
  constructor(
    private readonly output: { onText: (text: string) => void; onProduct: (sku: string) => void },
    beginning = '',
  ) {
    this.#tail = beginning.slice(-MAX_INCOMPLETE_LENGTH);
    this.#buffer = findOpenMarker(this.#tail);
    this.#passed = this.#buffer.length;
  }

  add(piece: string): void {
    if (this.#buffer === '' && !piece.includes('[')) {
      // Nearly every piece. What is passed on here cannot be the beginning of a marker.
      this.#tail = '';
      this.output.onText(piece);
      return;
    }
    this.#buffer += piece;
    this.#split();
    this.#flush();
  }

  /**
   * Passes on what is held back. Call when no more pieces follow.
   * @param isCut the text ends before its author has finished it: then a marker that is not complete is dropped
   */
  end({ isCut }: { isCut: boolean }): void {
    if (isCut && this.#passed === 0 && this.#buffer.startsWith('[[p')) this.#buffer = '';
    this.#pass(this.#buffer.length);
    this.#flush();
  }

  #split(): void {
    while (this.#buffer !== '') {
      const start = this.#buffer.indexOf('[');
      this.#pass(start === -1 ? this.#buffer.length : start);
      const marker = COMPLETE.exec(this.#buffer);
      if (marker) this.#remove(marker);
      else if (mayBecomeMarker(this.#buffer)) return;
      else this.#pass(1);
    }
  }

  #remove([marker, sku]: RegExpExecArray): void {
    this.#flush();
    const name = sku!.trim();
    if (name !== '') this.output.onProduct(name);
    const open = findOpenMarker(this.#tail);
    this.#buffer = open + this.#buffer.slice(marker.length);
    this.#passed = open.length;
  }

  /** Takes text from the buffer, and passes on what has not been passed on before. */
  #pass(length: number): void {
    const text = this.#buffer.slice(Math.min(this.#passed, length), length);
    this.#buffer = this.#buffer.slice(length);
    this.#passed = Math.max(0, this.#passed - length);
    this.#text += text;
  }

  #flush(): void {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#tail = (this.#tail + text).slice(-MAX_INCOMPLETE_LENGTH);
    this.output.onText(text);
  }
}

/** Returns the end of a text that may become a marker when more text follows. */
function findOpenMarker(text: string): string {
  for (let start = text.indexOf('['); start !== -1; start = text.indexOf('[', start + 1)) {
    const end = text.slice(start);
    if (mayBecomeMarker(end)) return end;
  }
  return '';
}

/** Puts markers back into a text, so that a model reads its answer as it wrote it. */
export function insertProductMarkers(text: string, mentions: readonly { offset: number; sku: string }[]): string {
  let result = '';
  let end = 0;
  for (const { offset, sku } of mentions.toSorted((a, b) => a.offset - b.offset)) {
    result += text.slice(end, offset) + toProductMarker(sku);
    end = offset;
  }
  return result + text.slice(end);
}
