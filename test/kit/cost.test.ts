import { expectLinearCost } from './cost.js';

/** Looks for a character that is in none of the bytes, from each of `starts` places on. */
function scan(bytes: Buffer, starts: number): void {
  const step = bytes.length / starts;
  for (let i = 0; i < starts; i += 1) bytes.indexOf(0, Math.floor(i * step));
}

const inputs = new Map([250_000, 1_000_000].map((size) => [size, Buffer.alloc(size, 'x')]));

test('a cost that grows with the input is accepted', () => {
  expectLinearCost(1_000_000, (size) => scan(inputs.get(size)!, 100));
});

test('a cost that grows with the square of the input is refused', () => {
  // As a reader that searches all it has kept at each write of 100 bytes.
  const quadratic = () => expectLinearCost(1_000_000, (size) => scan(inputs.get(size)!, size / 100));
  expect(quadratic).toThrow(/costs \d+\.\d times as much/);
});
