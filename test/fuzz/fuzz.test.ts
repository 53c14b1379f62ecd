import { Random } from '../../bench/fuzz/random.js';
import { runBench } from '../kit/bench.js';

// A short run of `npm run fuzz`. Its limits for time and memory are those of a busy machine: only events are checked here.
test('malformed input causes no internal error, and ends no connection of others', async () => {
  const args = ['7', '120', '--max-wait', '60000', '--max-growth', '200'];
  const { code, output } = await runBench('fuzz/run.js', args);
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('No problem found') });
}, 300_000);

test('a seed gives the same cases each time, and each case is another one', () => {
  const read = (...seeds: number[]) => {
    const random = new Random(...seeds);
    return Array.from({ length: 5 }, () => random.next());
  };
  expect(read(1, 2)).toEqual(read(1, 2));
  expect(new Set([read(1, 2), read(1, 3), read(2, 2), read(2, 1)].map((numbers) => numbers[0])).size).toBe(4);
});
