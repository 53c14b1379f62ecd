import fc from 'fast-check';

/**
 * Property tests have the same inputs in each run. A failure prints the seed and the path to the smallest input that fails;
 * PROPERTY_SEED tries others.
 */
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 20_261_126) });

export { fc };

/** Generates bytes, split at arbitrary positions: also within a character, and with empty parts. */
export const splitBytes = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<{ bytes: Buffer; chunks: Buffer[] }> =>
  bytes.chain((whole) => {
    const everywhere = fc.constant(Array.from({ length: whole.length }, (_, i) => i));
    const somewhere = fc.array(fc.nat(whole.length), { maxLength: 40 });
    return fc.oneof({ weight: 9, arbitrary: somewhere }, { weight: 1, arbitrary: everywhere }).map((cuts) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
      return { bytes: whole, chunks: edges.slice(1).map((to, i) => whole.subarray(edges[i], to)) };
    });
  });

/** Generates a text and its UTF-8 bytes, split at arbitrary positions. */
export const splitText = (text: fc.Arbitrary<string>): fc.Arbitrary<{ text: string; chunks: Buffer[] }> =>
  splitBytes(text.map((whole) => Buffer.from(whole))).map(({ bytes, chunks }) => ({ text: bytes.toString(), chunks }));
