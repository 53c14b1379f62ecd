import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from './until.js';

/** A server as a process of its own, which a test can end in every way. */
export class Instance implements AsyncDisposable {
  /** Resolves when it listens. */
  readonly started: Promise<void>;
  /** The exit code; null where a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly #process: ChildProcess;
  #output = '';

  /**
   * Starts dist/src/main.js.
   * @param folder where it runs
   * @param settings its environment variables, and no others
   */
  constructor(folder: string, settings: Record<string, string>) {
    this.#process = spawn(process.execPath, [join(process.cwd(), 'dist/src/main.js')], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], PORT: '0', ...settings },
    });
    const started = Promise.withResolvers<void>();
    for (const stream of [this.#process.stdout!, this.#process.stderr!])
      stream.on('data', (bytes: Buffer) => {
        this.#output += bytes.toString();
        if (/https?:\/\//.test(this.#output)) started.resolve();
      });
    this.exited = once(this.#process, 'close').then(([code]) => {
      started.reject(new Error(`It did not start: ${this.#output}`));
      return code as number | null;
    });
    this.started = started.promise;
    // Nobody waits for one that is meant not to start.
    this.started.catch(() => {});
  }

  get url(): string {
    return /http:\/\/127\.0\.0\.1:\d+/.exec(this.#output)![0];
  }

  /** All that it has said. */
  get output(): string {
    return this.#output;
  }

  /** What /readyz says. */
  async readiness(): Promise<number> {
    return (await fetch(`${this.url}/readyz`)).status;
  }

  /**
   * Resolves when it is ready, or is not any more.
   * @param patience as of `until`
   */
  async ready(isReady = true, patience?: number): Promise<void> {
    await until(async () => (await this.readiness()) === (isReady ? 200 : 503), patience);
  }

  /** Asks it to end. */
  terminate(): void {
    this.#process.kill('SIGTERM');
  }

  /** Asks it to end, and waits; gives the exit code. */
  stop(): Promise<number | null> {
    this.terminate();
    return this.exited;
  }

  /** Ends it without its knowledge. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exited;
  }

  /** It keeps its connections, and does nothing. */
  pause(): void {
    this.#process.kill('SIGSTOP');
  }

  resume(): void {
    this.#process.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
