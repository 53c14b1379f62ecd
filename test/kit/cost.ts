/** How many times as large the larger input is. */
const GROWTH = 4;

/** A linear algorithm reaches 1, a quadratic one GROWTH. */
const MAX_RATIO = 2.5;

/** A cost below that of so many loops over the bytes is linear: at the sizes measured, a quadratic one is far above. */
const LOOPS = 10;

/** What one measurement takes at least, in milliseconds: enough for the clock and for the compiler. */
const MIN_DURATION = 5;

/** An algorithm is measured this often before it is refused: other load on the machine passes in between. */
const MAX_MEASUREMENTS = 25;
const MAX_DURATION = 20_000;

/**
 * Refuses an algorithm whose cost grows faster than its input of `size` bytes: measures inputs of `size / 4` and `size`
 * bytes in turns, until the fastest runs of both show a linear cost. A quadratic algorithm shows none however often it is
 * measured. The size should be near a million: strings of less than some 200,000 bytes are kept in memory that is already
 * there, so a byte of a longer one costs up to ten times as much.
 *
 * @param now a clock in milliseconds
 * @throws Error if the cost grows faster
 */
export function expectLinearCost(size: number, run: (size: number) => void, now = () => performance.now()): void {
  const measure = (times: number, work: () => void) => {
    const start = now();
    for (let i = 0; i < times; i += 1) work();
    return now() - start;
  };
  const small = size / GROWTH;
  let times = 1;
  while (measure(GROWTH * times, () => run(small)) < MIN_DURATION) times *= 2;
  const bytes = Buffer.alloc(size, 'x');
  let [loops, fastestSmall, fastestLarge, ratio] = [Infinity, Infinity, Infinity, Infinity];
  const end = now() + MAX_DURATION;
  for (let i = 0; i < MAX_MEASUREMENTS && (i < 2 || now() < end); i += 1) {
    loops = Math.min(
      loops,
      measure(LOOPS * times, () => sum(bytes)),
    );
    fastestSmall = Math.min(
      fastestSmall,
      measure(GROWTH * times, () => run(small)),
    );
    fastestLarge = Math.min(
      fastestLarge,
      measure(times, () => run(size)),
    );
    ratio = fastestLarge / Math.max(fastestSmall, loops);
    if (ratio < MAX_RATIO) return;
  }
  throw new Error(
    `A byte of an input ${GROWTH} times as large costs ${ratio.toFixed(1)} times as much, instead of at most ${MAX_RATIO}`,
  );
}

function sum(bytes: Buffer): number {
  let result = 0;
  for (let i = 0; i < bytes.length; i += 1) result += bytes[i]!;
  return result;
}
