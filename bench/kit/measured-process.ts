import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Probed } from './probe.js';

/** A process that uses less than this share of a core during the window is idle. It still renews leases. */
const IDLE_CPU_SHARE = 0.1;
const IDLE_WINDOW_MS = 200;

/** A server in a process of its own that loads probe.ts. It exits when the runner exits. */
export class MeasuredProcess implements Disposable {
  /** The file to which `measureCpu` writes a CPU profile. Null: no profile. */
  profile: string | null = null;
  #isDisposed = false;

  private constructor(
    private readonly child: ChildProcess,
    /** The first URL that the process prints. */
    readonly url: string,
  ) {
    child.once('exit', () => {
      // The clients of a server that has died would wait for ever, so the runner ends.
      if (!this.#isDisposed) throw toExitError(child);
    });
  }

  /**
   * @param env the environment variables, instead of those of the runner
   * @param output receives what the process prints after its URL
   * @throws Error if the process exits before it prints a URL. If it exits later, the runner ends with an error.
   */
  static async start(
    file: string,
    env: Record<string, string> = {},
    cwd?: string,
    output: NodeJS.WritableStream = process.stderr,
  ): Promise<MeasuredProcess> {
    const child = fork(file, {
      cwd,
      // In production mode, as deployed: graphql-js then skips development checks.
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
      // The PubSub of the usual design has one listener per follower, for which Node.js prints a warning.
      execArgv: [
        '--disable-warning=MaxListenersExceededWarning',
        '--expose-gc',
        '--import',
        join(import.meta.dirname, 'probe.js'),
      ],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      let start = '';
      const read = (bytes: Buffer) => {
        start += bytes.toString();
        const found = /http:\/\/[\d.:]+/.exec(start);
        if (!found) return;
        child.stdout!.off('data', read);
        child.off('exit', fail);
        resolve(found[0]);
      };
      const fail = () => {
        process.stderr.write(start);
        reject(toExitError(child));
      };
      child.stdout!.on('data', read);
      child.once('exit', fail);
    });
    child.stdout!.pipe(output);
    return new MeasuredProcess(child, url);
  }

  get pid(): number {
    return this.child.pid!;
  }

  send(message: object): void {
    this.child.send(message);
  }

  /** Requests a figure from probe.ts. */
  async request<Key extends keyof Probed>(figure: Key): Promise<Probed[Key]> {
    this.child.send(figure);
    const [{ value }] = (await once(this.child, 'message')) as [{ value: Probed[Key] }];
    return value;
  }

  /** Returns the CPU time that the process uses while `work` runs, in microseconds. */
  async measureCpu(work: () => Promise<unknown>): Promise<number> {
    if (this.profile) await this.request('profiling');
    const before = await this.request('cpu');
    await work();
    const used = (await this.request('cpu')) - before;
    if (this.profile) writeFileSync(this.profile, JSON.stringify(await this.request('profile')));
    return used;
  }

  /** Resolves when the process has finished its work, such as titles and the last writes. */
  async untilIdle(): Promise<void> {
    for (let before = await this.request('cpu'), busy = true; busy;) {
      await sleep(IDLE_WINDOW_MS);
      const now = await this.request('cpu');
      busy = now - before > IDLE_CPU_SHARE * IDLE_WINDOW_MS * 1000;
      before = now;
    }
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.child.kill('SIGKILL');
  }
}

function toExitError({ spawnargs, exitCode, signalCode }: ChildProcess): Error {
  const how = signalCode ? `was ended by ${signalCode}` : `exited with code ${exitCode}`;
  return new Error(`${basename(spawnargs.at(-1)!)} ${how}; its output is above.`);
}
