import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningClock } from '../../bench/kit/running-clock.js';

const folder = mkdtempSync(join(tmpdir(), 'parley-clock-'));
const [own, measured] = ['own', 'measured'].map((name) => join(folder, name));
const setDelay = (file: string, milliseconds: number) => writeFileSync(file, `5000000 ${milliseconds * 1e6} 7\n`);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Waits until at least this time has passed by a usual clock. */
function pass(milliseconds: number): void {
  for (const began = performance.now(); performance.now() - began < milliseconds;);
}

test('stands still while a thread waits for a core', () => {
  setDelay(own!, 100);
  setDelay(measured!, 200);
  const clock = new RunningClock(1, [own!, measured!]);
  const began = clock.now();
  pass(20);
  setDelay(own!, 100_000);
  const during = clock.now();
  expect(during).toBe(began);
  pass(20);
  // The delay is the same as before, so both threads had a core.
  expect(clock.now() - during).toBeGreaterThanOrEqual(20);
});

test('is a usual clock where the system does not count delays', () => {
  const clock = new RunningClock(1, [join(folder, 'missing')]);
  const began = clock.now();
  pass(20);
  expect(clock.now() - began).toBeGreaterThanOrEqual(20);
});
