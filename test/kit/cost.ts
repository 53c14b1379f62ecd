/** A quadratic algorithm reaches 4, a linear one 1. */
export const MAX_COST_RATIO = 2.5;

/** What one measurement takes at least, in milliseconds: enough for the clock and for the compiler. */
const MIN_DURATION = 10;

const MAX_REPETITIONS = 7;
const MAX_DURATION = 3_000;

/**
 * Returns how many times as long one run of an input four times as large takes as four runs of the input. The fastest of
 * several measurements counts, and both take turns, so that other load on the machine hardly matters.
 */
export function measureCostRatio(size: number, run: (size: number) => void): number {
  const repeat = (times: number, length: number) => {
    const start = performance.now();
    for (let i = 0; i < times; i += 1) run(length);
    return performance.now() - start;
  };
  let times = 1;
  while (repeat(4 * times, size) < MIN_DURATION) times *= 2;
  let [small, large] = [Infinity, Infinity];
  const end = performance.now() + MAX_DURATION;
  for (let i = 0; i < MAX_REPETITIONS && (i === 0 || performance.now() < end); i += 1) {
    small = Math.min(small, repeat(4 * times, size));
    large = Math.min(large, repeat(times, 4 * size));
  }
  return large / small;
}
