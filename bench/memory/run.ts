/**
 * Measures how many prompt tokens the memory saves. Runs a dialogue with the demo model on the real server, and compares
 * the tokens of each prompt with those of a prompt that contains the full history. It runs twice: with a provider that
 * follows the schema of the metadata, and with one whose JSON is in a fence.
 *
 *   npm run bench:memory [-- FILE]    FILE: a JSON array with the messages of the user
 */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/platform/config/package-root.js';
import { writeResults } from '../kit/results.js';
import { plot } from '../plot.js';
import { play } from './play.js';
import { PROVIDERS } from './providers.js';

const file = process.argv[2] ?? join(packageRoot, 'bench/dialogue.json');
const questions = JSON.parse(readFileSync(file, 'utf8')) as unknown;
if (!Array.isArray(questions) || questions.length === 0 || !questions.every((line) => typeof line === 'string')) {
  throw new Error(`${file} must contain a JSON array of strings.`);
}

const perfect = await play(questions, PROVIDERS.perfect);
const fenced = await play(questions, PROVIDERS.fenced);

console.log('exchange  full history  with memory  with fenced JSON');
for (const [i, full] of perfect.full.entries()) print(String(i + 1), full, perfect.memory[i]!, fenced.memory[i]!);
const total = {
  full: sum(perfect.full),
  memory: sum(perfect.memory),
  fenced: sum(fenced.memory),
};
print('total', total.full, total.memory, total.fenced);
const share = `${((100 * total.memory) / total.full).toFixed(0)} %`;
console.log(`\nWith memory: ${share} of the full history.`);
console.log(`Updates of the metadata: ${describe(perfect)}; with fenced JSON: ${describe(fenced)}.`);

writeResults(
  'memory',
  {
    exchanges: perfect.full.map((full, i) => ({ memory: perfect.memory[i], fenced: fenced.memory[i], full })),
    updates: {
      perfect: { calls: perfect.updates, promptTokens: perfect.updateTokens },
      fenced: { calls: fenced.updates, promptTokens: fenced.updateTokens },
    },
  },
  plot({
    title: 'Tokens of each prompt',
    subtitle: `${questions.length} exchanges with the demo model; total: ${format(total.memory)} (with fenced JSON ${format(total.fenced)}) instead of ${format(total.full)} tokens`,
    x: 'exchange',
    series: [
      { name: 'full history', color: '#c2410c', values: perfect.full },
      { name: 'evolving memory', color: '#0f766e', values: perfect.memory },
      { name: '… with fenced JSON', color: '#1d4ed8', values: fenced.memory, isDashed: true },
    ],
  }),
);
console.log('\nWrote bench/results/memory.svg and memory.json.');

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

function format(value: number): string {
  return value.toLocaleString('en');
}

function describe({ updates, updateTokens }: typeof perfect): string {
  return `${updates} calls with ${format(updateTokens)} prompt tokens`;
}

function print(name: string, full: number, memory: number, withFences: number): void {
  const cells = [format(full).padStart(12), format(memory).padStart(11), format(withFences).padStart(16)];
  console.log(`${name.padStart(8)}  ${cells.join('  ')}`);
}
