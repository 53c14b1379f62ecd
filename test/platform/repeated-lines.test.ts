import { RepeatedLines } from '../../src/platform/telemetry/repeated-lines.js';
import { createLog } from '../../src/platform/telemetry/log.js';

describe('lines that repeat', () => {
  let time = 0;
  const createLines = () => new RepeatedLines(() => time);

  test('are written 20 times in 10 seconds, and the next one states how many were omitted', () => {
    const lines = createLines();
    const admitted = Array.from({ length: 25 }, () => lines.admit('The disk is full.'));
    expect(admitted).toEqual([...Array<number>(20).fill(0), ...Array<null>(5).fill(null)]);
    time += 9_999;
    expect(lines.admit('The disk is full.')).toBeNull();
    time += 1;
    expect(lines.admit('The disk is full.')).toBe(6);
    expect(lines.admit('The disk is full.')).toBe(0);
  });

  test('do not count for lines of another kind', () => {
    const lines = createLines();
    for (let i = 0; i < 25; i += 1) lines.admit('One');
    expect(lines.admit('Another')).toBe(0);
  });

  test('of invented kinds are forgotten', () => {
    const lines = createLines();
    for (let i = 0; i < 25; i += 1) lines.admit('First');
    for (let i = 0; i < 1_000; i += 1) lines.admit(`Kind ${i}`);
    expect(lines.admit('First')).toBe(0);
  });

  test('are limited in the log, except those of events', () => {
    const written: string[] = [];
    const log = createLog({
      level: 'info',
      format: 'json',
      secrets: [],
      destination: { write: (line) => void written.push(line) },
    });
    for (let i = 0; i < 25; i += 1) {
      log.warn({ n: i }, 'Again');
      log.info('Without fields');
      log.info({ event: 'operation' }, 'Operation');
    }
    const count = (text: string) => written.filter((line) => line.includes(text)).length;
    expect([count('Again'), count('Without fields'), count('Operation')]).toEqual([20, 20, 25]);
  });
});
