import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { BUILD } from './build.js';

interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a compiled command, such as `user.js`, as its npm script does. Rejects with the output if its exit code is not 0. */
export async function runCommand(
  script: string,
  args: readonly string[],
  env: Record<string, string>,
  stdin = '',
): Promise<Output> {
  const child = spawn(process.execPath, [join(BUILD, 'src/commands', script), ...args], {
    env: { ...process.env, ...env },
  });
  child.stdin.end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  const output: Output = { code: code as number, stdout, stderr };
  if (code !== 0) throw Object.assign(new Error(`${script} failed:\n${stderr}`), output);
  return output;
}
