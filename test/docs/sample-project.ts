import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

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

  write(file: string, code: string): void {
    writeFileSync(join(this.#path, file), code);
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
    this.write(file, code);
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

  /** Checks the types of all samples that were written. @throws Error with what is wrong */
  async check(): Promise<void> {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: 'es2023',
      module: 'esnext',
      moduleResolution: 'bundler',
      types: ['node'],
      // What the linked documents import.
      rootDirs: ['.', join(process.cwd(), 'client/dist')],
    };
    this.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const compiler = join(process.cwd(), 'node_modules/typescript-native/bin/tsc');
    await promisify(execFile)(process.execPath, [compiler, '--project', '.'], { cwd: this.#path }).catch(
      (error: { stdout: string }) => {
        throw new Error(error.stdout);
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}
