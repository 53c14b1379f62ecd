import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort } from './free-port.js';

/** The Redis of the tests. `npm run test:scale` sets it. If null, tests that require Redis are skipped. */
export const REDIS_URL = process.env['TEST_REDIS_URL'] || null;

/** For suites that require Redis. Skipped if none is available. */
export const describeRedis = REDIS_URL ? describe : describe.skip;

/** A Redis process for one test, which can be stopped, started and paused. Uses the installed `redis-server`. */
export class RedisProcess implements AsyncDisposable {
  #process: ChildProcess | null = null;
  readonly #folder = mkdtempSync(join(tmpdir(), 'parley-redis-'));

  private constructor(
    readonly port: number,
    private readonly options: string[],
  ) {}

  static async start(...options: string[]): Promise<RedisProcess> {
    const redis = new RedisProcess(await findFreePort(), options);
    await redis.start();
    return redis;
  }

  /** Starts a Cluster of three masters. */
  static async startCluster(): Promise<RedisProcess[]> {
    const nodes = await Promise.all([1, 2, 3].map(() => RedisProcess.start('--cluster-enabled', 'yes')));
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const joining = promisify(execFile)('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
    // redis-cli waits for a confirmation on standard input while that is open.
    joining.child.stdin!.end();
    await joining;
    return nodes;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Resolves when Redis accepts connections. It starts empty, because persistence is off. */
  async start(): Promise<void> {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    const child = spawn('redis-server', [...options, ...this.options], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (bytes: Buffer) => {
        output += bytes.toString();
        if (output.includes('Ready to accept connections')) resolve();
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`redis-server did not start: ${output}`)));
    });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Suspends the process. Its connections stay open. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
