import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/platform/config/package-root.js';

/** The folder of the results. The tests use another one, because their figures mean nothing. */
const folder = process.env['RESULTS'] ?? join(packageRoot, 'bench/results');

/** Writes figures as JSON with four digits, and a plot if given. */
export function writeResults(name: string, figures: unknown, svg?: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(figures, roundNumbers, 1)}\n`);
  if (svg) writeFileSync(join(folder, `${name}.svg`), svg);
}

function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
