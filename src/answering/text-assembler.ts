import { storable } from '../platform/db/storable.js';

/**
 * Makes text that is whole at every point out of pieces that need not be. A provider may cut a surrogate pair in two;
 * the first half waits for the second. What no database can hold, NUL and lone halves, becomes U+FFFD, so that the
 * text that was streamed and the text that is stored are the same.
 */
export class TextAssembler {
  #held = '';

  add(piece: string): string {
    let text = this.#held + piece;
    this.#held = '';
    if (endsInHalf(text)) {
      this.#held = text.slice(-1);
      text = text.slice(0, -1);
    }
    return storable(text);
  }

  end(): string {
    const rest = storable(this.#held);
    this.#held = '';
    return rest;
  }
}

function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}
