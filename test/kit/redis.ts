import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Set where the tests of many instances run; `npm run test:scale` sets it. */
export const REDIS_URL = process.env['TEST_REDIS_URL'] || null;

/** Suites that need a Redis: left out, and counted as skipped, where there is none. */
export const describeRedis = REDIS_URL ? describe : describe.skip;

/** A Redis of a test's own, which it can stop, start and pause: the machine's `redis-server`. */
export class RedisProcess implements AsyncDisposable {
  #process: ChildProcess | null = null;
  readonly #folder = mkdtempSync(join(tmpdir(), 'parley-redis-'));

  private constructor(
    readonly port: number,
    private readonly options: string[],
  ) {}

  static async start(...options: string[]): Promise<RedisProcess> {
    const redis = new RedisProcess(await freePort(), options);
    await redis.start();
    return redis;
  }

  /** Three masters, joined into a Cluster. */
  static async startCluster(): Promise<RedisProcess[]> {
    const nodes = await Promise.all([1, 2, 3].map(() => RedisProcess.start('--cluster-enabled', 'yes')));
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const joining = promisify(execFile)('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
    // It takes a question from its standard input, if that is open.
    joining.child.stdin!.end();
    await joining;
    return nodes;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Resolves when it takes connections. It holds nothing: it keeps nothing on disk. */
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

  /** It keeps its connections, and says nothing. */
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

/** Below the range that the kernel takes ports for clients from, and with room for a Cluster's bus 10,000 above. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve((probe.address() as AddressInfo).port === port));
    });
    if (probe.listening) await new Promise((resolve) => probe.close(resolve));
    if (isFree) return port;
  }
}
