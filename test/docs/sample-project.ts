import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

const TIMEOUT_MS = 60_000;

/** The project of a front end: a folder in which samples of docs/clients.md find their packages and the typed documents. */
export class SampleProject implements AsyncDisposable {
  /** Within the repository, for the packages. Ignored by git. */
  readonly #path = mkdtempSync(join(process.cwd(), '.build-samples-'));

  constructor() {
    symlinkSync(join(process.cwd(), 'client/dist/generated'), join(this.#path, 'generated'));
    mkdirSync(join(this.#path, 'node_modules/@parley'), { recursive: true });
    symlinkSync(join(process.cwd(), 'client'), join(this.#path, 'node_modules/@parley/client'));
  }

  /**
   * Runs a sample until its output matches, and ends it. Node.js removes the types.
   * @throws Error with the output if the sample ends before
   */
  async run(
    file: string,
    code: string,
    env: Record<string, string>,
    expected: RegExp,
    onOutput?: (output: string) => void,
  ): Promise<string> {
    writeFileSync(join(this.#path, file), code);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
      cwd: this.#path,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        output += bytes.toString();
        if (expected.test(output)) child.kill();
        else onOutput?.(output);
      });
    await once(child, 'close');
    if (!expected.test(output)) throw new Error(`${file} printed no ${expected.toString()}:\n${output}`);
    return output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}
