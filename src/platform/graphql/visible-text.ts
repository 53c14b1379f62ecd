/** Embeddings, overrides and isolates of the text direction, and characters without width that no script needs. */
const DECEPTIVE = /[\u202A-\u202E\u2066-\u2069\u200B\u2060-\u2064\u180E\uFEFF\u{E0000}-\u{E007F}]/gu;

/** ZWNJ and ZWJ have a meaning in emoji and in scripts such as Arabic and Devanagari, but not after these characters. */
const MISPLACED_JOINER =
  /(?<=^|[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Z}\p{Nd}\u200C\u200D])[\u200C\u200D]/gu;

/** White space, control and format characters, marks without a base, and letters without a shape (fillers). */
const SHAPELESS = /^[\s\p{C}\p{M}\u115F\u1160\u2800\u3164\uFFA0]*$/u;

/** Removes characters that make a text read differently from how it is stored. Flags of regions lose their tags. */
export const toVisibleText = (text: string): string => text.replace(DECEPTIVE, '').replace(MISPLACED_JOINER, '');

/** Returns whether nothing of the text is visible. */
export const isBlank = (text: string): boolean => SHAPELESS.test(text);
