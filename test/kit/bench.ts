import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BUILD } from './build.js';

/** Runs a compiled script of bench/, such as `fuzz/run.js`. @returns its exit code and all that it has printed */
export async function runBench(script: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [join(BUILD, 'bench', script), ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}
