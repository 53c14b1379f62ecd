import fc from 'fast-check';

/** Generates a text and its UTF-8 bytes, split at arbitrary positions, also within a character. */
export function splitAnywhere(text: fc.Arbitrary<string>): fc.Arbitrary<{ text: string; chunks: Buffer[] }> {
  return text.chain((whole) => {
    const bytes = Buffer.from(whole);
    return fc.uniqueArray(fc.nat(bytes.length)).map((cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      return { text: whole, chunks: edges.slice(1).map((to, i) => bytes.subarray(edges[i], to)) };
    });
  });
}
