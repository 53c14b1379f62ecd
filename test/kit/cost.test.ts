import { expectLinearCost } from './cost.js';

/** Measures by a clock that runs as the algorithm takes time, in milliseconds for a number of bytes. */
function check(cost: (size: number) => number): void {
  let now = 0;
  expectLinearCost(
    1_000_000,
    (size) => (now += cost(size)),
    () => now,
  );
}

test('a cost that grows with the input is accepted', () => {
  check((size) => size / 1_000);
});

test('a cost that grows with the square of the input is refused', () => {
  expect(() => check((size) => (size / 10_000) ** 2)).toThrow(/costs 4\.0 times as much/);
});

test('other load on the machine passes', () => {
  let disturbed = 5;
  check((size) => (size / 100_000) * (size === 1_000_000 && disturbed-- > 0 ? 4 : 1));
});
