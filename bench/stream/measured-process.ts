import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Probed } from './probe.js';

/** Less than this share of a core, for so many milliseconds, is a process that waits: it still renews leases. */
const QUIET = 0.1;
const QUIET_FOR = 200;

/** A server in a process of its own, with the probe in it. It ends when the runner does. */
export class MeasuredProcess implements Disposable {
  /** Where a CPU profile of what is metered goes, if one is wanted. */
  profile: string | null = null;

  private constructor(
    private readonly child: ChildProcess,
    /** Where it listens: the first address that it prints. */
    readonly url: string,
  ) {}

  /** @param env replaces the runner's own environment, whose settings are not the benchmark's */
  static async start(file: string, env: Record<string, string> = {}, cwd?: string): Promise<MeasuredProcess> {
    const child = fork(file, {
      cwd,
      // As it is deployed: graphql-js does less then.
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
      // The usual design's PubSub has as many listeners as followers, which Node.js would warn of.
      execArgv: [
        '--disable-warning=MaxListenersExceededWarning',
        '--expose-gc',
        '--import',
        join(import.meta.dirname, 'probe.js'),
      ],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [output] = (await once(child.stdout!, 'data')) as [Buffer];
    child.stdout!.pipe(process.stderr);
    return new MeasuredProcess(child, /http:\/\/[\d.:]+/.exec(output.toString())![0]);
  }

  send(message: object): void {
    this.child.send(message);
  }

  async ask<Key extends keyof Probed>(question: Key): Promise<Probed[Key]> {
    this.child.send(question);
    const [{ answer }] = (await once(this.child, 'message')) as [{ answer: Probed[Key] }];
    return answer;
  }

  /** The CPU that it uses while the work is done, in microseconds. */
  async metered(work: () => Promise<void>): Promise<number> {
    if (this.profile) await this.ask('profiling');
    const before = await this.ask('cpu');
    await work();
    const used = (await this.ask('cpu')) - before;
    if (this.profile) writeFileSync(this.profile, JSON.stringify(await this.ask('profile')));
    return used;
  }

  /** Resolves when it has nothing more to do: titles are given, last words stored. */
  async quiet(): Promise<void> {
    for (let before = await this.ask('cpu'), busy = true; busy;) {
      await sleep(QUIET_FOR);
      const now = await this.ask('cpu');
      busy = now - before > QUIET * QUIET_FOR * 1000;
      before = now;
    }
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL');
  }
}
