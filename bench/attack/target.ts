import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startOpenAICompatibleServer, type CompletionHandler } from '../../src/demo/openai-compatible-server.js';
import { Attacker } from './attacker.js';

const MAX_HEAP_MB = 768;

/** The kernel counts CPU time in steps of 10 ms. */
const TICKS_PER_SECOND = 100;

/** How much of the output is kept, to show it if the process ends. */
const MAX_OUTPUT_LENGTH = 4_000;

export const HEALTHY_ADDRESS = '127.0.0.1';
export const ATTACKER_ADDRESS = '127.0.0.2';

/** How a server differs from one with the default settings. */
export interface TargetOptions {
  /** Settings of the server that differ from the defaults. */
  settings?: Record<string, string>;
  /** The size in KiB at which the operating system refuses to extend a file of the server, like a full disk. */
  maxFileKib?: number;
  /** Answers the requests for completions. By default, each answer repeats the question. */
  provider?: CompletionHandler;
}

/** A server in production mode, with the default limits and a small heap, and its provider. */
export class Target implements AsyncDisposable {
  hasExited = false;
  #output = '';

  private constructor(
    readonly url: string,
    readonly databasePath: string,
    private readonly child: ChildProcess,
    private readonly provider: AsyncDisposable,
  ) {
    child.once('exit', () => (this.hasExited = true));
    for (const stream of [child.stdout!, child.stderr!])
      stream.on(
        'data',
        (bytes: Buffer) => (this.#output = `${this.#output}${bytes.toString()}`.slice(-MAX_OUTPUT_LENGTH)),
      );
  }

  /**
   * @param main the compiled entry file of the server
   * @param folder for its database
   */
  static async start(main: string, folder: string, attack: TargetOptions): Promise<Target> {
    const provider = await startOpenAICompatibleServer('attacked', attack.provider ?? echo);
    const databasePath = join(folder, 'attacked.db');
    const command = [process.execPath, `--max-old-space-size=${MAX_HEAP_MB}`, main];
    const [file, ...args] = attack.maxFileKib
      ? ['bash', '-c', `ulimit -S -f ${attack.maxFileKib}; exec "$@"`, 'bash', ...command]
      : command;
    const child = spawn(file!, args, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: '0',
        DATABASE_URL: `sqlite:${databasePath}`,
        JWT_SECRET: 'a secret of the benchmark, long enough',
        OPENAI_BASE_URL: provider.baseUrl,
        ...attack.settings,
      },
    });
    const url = await readUrl(child).catch(async (error: unknown) => {
      child.kill('SIGKILL');
      await provider[Symbol.asyncDispose]();
      throw error;
    });
    return new Target(url, databasePath, child, provider);
  }

  /** The last lines that the server has written. */
  get output(): string {
    return this.#output;
  }

  createAttacker(address = ATTACKER_ADDRESS): Attacker {
    return new Attacker(this.url, address);
  }

  /** From now on, the peak is that of the memory that is used after this call. */
  resetPeak(): void {
    writeFileSync(`/proc/${this.child.pid}/clear_refs`, '5');
  }

  /** Returns the memory that the process uses, in bytes; 0 if it has ended. */
  readMemory(): { resident: number; peak: number } {
    if (this.hasExited) return { resident: 0, peak: 0 };
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
    return { resident: read('VmRSS'), peak: read('VmHWM') };
  }

  /** Returns the CPU time that the process has used, in seconds; 0 if it has ended. */
  readCpu(): number {
    if (this.hasExited) return 0;
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Lets the files grow again. */
  liftFileLimit(): void {
    execFileSync('prlimit', ['--fsize=unlimited', '--pid', String(this.child.pid)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasExited) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exited;
    }
    await this.provider[Symbol.asyncDispose]();
  }
}

const STRUCTURED = {
  title: 'A title',
  interests: [],
  offeredProducts: [],
  rejectedProducts: [],
  saleStatus: 'EXPLORING',
  lastIntent: 'compare',
  summary: 'A summary.',
};

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** Answers with the question, and with a title and metadata if these are requested. */
export const echo: CompletionHandler = async (request, reply) => {
  reply.delta(request.response_format ? JSON.stringify(STRUCTURED) : request.messages.at(-1)!.content);
  reply.finish('stop', USAGE);
};

/** Returns a provider that calls `answer` for answers, and `echo` for titles and metadata. */
export const answerWith =
  (answer: CompletionHandler): CompletionHandler =>
  (request, reply) =>
    (request.response_format ? echo : answer)(request, reply);

async function readUrl(child: ChildProcess): Promise<string> {
  let output = '';
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`The server did not start: ${output}`)));
  ended.catch(() => {});
  for (;;) {
    const [bytes] = (await Promise.race([once(child.stdout!, 'data'), ended])) as [Buffer];
    output += bytes.toString();
    const url = /http:\/\/127\.0\.0\.1:\d+(?!\d*\/v1)/.exec(output)?.[0];
    if (url) return url;
  }
}
