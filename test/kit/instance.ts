import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BUILD } from './build.js';
import { until } from './until.js';

/** A server in a process of its own, which a test can stop, kill and pause. */
export class Instance implements AsyncDisposable {
  /** Resolves when the server listens. */
  readonly started: Promise<void>;
  /** Resolves with the exit code, or with null if a signal ended the process. */
  readonly exited: Promise<number | null>;
  readonly #process: ChildProcess;
  readonly #isGroup: boolean;
  #output = '';

  /**
   * Starts the compiled server.
   * @param folder the working directory
   * @param settings all environment variables except PATH and PORT
   * @param launcher a command that starts the server instead, as the leader of a process group
   */
  constructor(folder: string, settings: Record<string, string>, launcher: readonly string[] = []) {
    const [command = process.execPath, ...args] = launcher;
    this.#isGroup = launcher.length > 0;
    this.#process = spawn(command, this.#isGroup ? args : [join(BUILD, 'src/main.js')], {
      cwd: folder,
      detached: this.#isGroup,
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
      started.reject(new Error(`The server did not start: ${this.#output}`));
      return code as number | null;
    });
    this.started = started.promise;
    // Some tests expect that the server does not start, and do not wait for this promise.
    this.started.catch(() => {});
  }

  get url(): string {
    return /http:\/\/127\.0\.0\.1:\d+/.exec(this.#output)![0];
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** Everything the process has written to standard output and standard error. */
  get output(): string {
    return this.#output;
  }

  /** Waits until the output contains the text. */
  printed(text: string): Promise<void> {
    return until(() => this.#output.includes(text));
  }

  /** Returns the status of /readyz. */
  async getReadiness(): Promise<number> {
    return (await fetch(`${this.url}/readyz`)).status;
  }

  /**
   * Resolves when the server is ready or, with `isReady` false, no longer ready.
   * @param timeoutMs see `until`
   */
  async ready(isReady = true, timeoutMs?: number): Promise<void> {
    await until(async () => (await this.getReadiness()) === (isReady ? 200 : 503), timeoutMs);
  }

  /** Sends SIGTERM. */
  terminate(): void {
    this.#process.kill('SIGTERM');
  }

  /** Sends SIGTERM and waits. Resolves with the exit code. */
  stop(): Promise<number | null> {
    this.terminate();
    return this.exited;
  }

  /** Sends a signal to the process. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Sends a signal to the process group of the launcher, as a terminal and a service manager do. */
  signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#process.pid!, signal);
    } catch (error) {
      // All of its processes have ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Sends SIGKILL and waits. */
  async kill(): Promise<void> {
    if (this.#isGroup) this.signalGroup('SIGKILL');
    else this.#process.kill('SIGKILL');
    await this.exited;
  }

  /** Suspends the process. Its connections stay open. */
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
