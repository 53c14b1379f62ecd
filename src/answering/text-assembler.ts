import { toStorableText } from '../platform/db/storable-text.js';

/**
 * Assembles well-formed text from pieces that a provider may cut inside a surrogate pair: a high surrogate at the end
 * of a piece waits for the next one. What no database can store is replaced with U+FFFD, so that the streamed text and
 * the stored text are equal.
 */
export class TextAssembler {
  #pendingSurrogate = '';

  add(piece: string): string {
    let text = this.#pendingSurrogate + piece;
    this.#pendingSurrogate = '';
    if (endsWithHighSurrogate(text)) {
      this.#pendingSurrogate = text.slice(-1);
      text = text.slice(0, -1);
    }
    return toStorableText(text);
  }

  end(): string {
    const rest = toStorableText(this.#pendingSurrogate);
    this.#pendingSurrogate = '';
    return rest;
  }
}

function endsWithHighSurrogate(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}
