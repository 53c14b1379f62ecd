/** The number of values in a text of JSON: twice what the variables of an operation may have. */
const MAX_VALUES = 100_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACE = 0x7b;
const BRACKET = 0x5b;

/**
 * Returns whether a text of JSON, in UTF-8, has more values than anything accepts. Small objects take some twenty times their
 * bytes when they are parsed, and a hundred times as long as counting them.
 */
export function hasTooManyValues(json: Buffer): boolean {
  let count = 0;
  let isInText = false;
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i];
    if (isInText) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (byte === COMMA || byte === BRACE || byte === BRACKET) {
      count += 1;
      if (count > MAX_VALUES) return true;
    }
  }
  return false;
}
