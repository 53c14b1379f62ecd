/**
 * Sends malformed input to a real server in a process of its own, over the loopback interface: HTTP, documents, variables,
 * WebSockets, event streams, and the events of a provider. The same seed gives the same cases. The exit code is 1 if a
 * case causes an internal error, an error in the log, a status of 500 or more except 503, a close code that blames the
 * server, or if the server does not respond in time, exits, or keeps memory or connections.
 *
 *   npm run fuzz -- SEED CASES
 *   npm run fuzz -- SEED CASES --first 4711 --only socket
 */
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startOpenAICompatibleServer } from '../../src/demo/openai-compatible-server.js';
import { Attacker } from '../attack/attacker.js';
import { HealthyClient } from '../attack/healthy-client.js';
import { MeasuredProcess } from '../kit/measured-process.js';
import { showProgress } from '../kit/progress.js';
import { RunningClock } from '../kit/running-clock.js';
import { fuzzEventStream } from './cases/event-stream.js';
import { fuzzHttp } from './cases/http.js';
import { fuzzDocument, fuzzVariables } from './cases/operations.js';
import { answerFuzzed, fuzzProvider } from './cases/provider.js';
import { fuzzSocket } from './cases/socket.js';
import { LineReader } from './line-reader.js';
import { Random } from './random.js';
import { World, type FuzzKind } from './world.js';

/** The kinds of input, as often as they are to be tried. */
const KINDS: readonly (readonly [string, FuzzKind])[] = [
  ['http', fuzzHttp],
  ['http', fuzzHttp],
  ['document', fuzzDocument],
  ['document', fuzzDocument],
  ['variables', fuzzVariables],
  ['variables', fuzzVariables],
  ['socket', fuzzSocket],
  ['socket', fuzzSocket],
  ['event-stream', fuzzEventStream],
  ['provider', fuzzProvider],
];

/** Queries of the healthy client fail only if there is no response at all, also on a busy machine. */
const HEALTHY_TIMEOUT_MS = 120_000;

const CONCURRENCY = 8;
const USERS = 5;

/** The memory is measured after each part of the run. The first one fills the caches. */
const PARTS = 5;

/** Connections that are about to close. */
const MAX_MORE_SOCKETS = 5;

/** Levels of pino. */
const ERROR_LEVEL = 50;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    first: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
    'max-wait': { type: 'string', default: '2000' },
    'max-growth': { type: 'string', default: '24' },
  },
});
const [seed, cases] = [Number(positionals[0] ?? 1), Number(positionals[1] ?? 1_000)];
const first = Number(options.first);
const maxWaitMs = Number(options['max-wait']);
/** How much the heap may grow after the warm-up. */
const maxGrowthBytes = Number(options['max-growth']) * 1e6;
if (![seed, cases, first, maxWaitMs, maxGrowthBytes].every(Number.isSafeInteger))
  throw new Error('Usage: npm run fuzz -- SEED CASES [--first NUMBER] [--only KIND] [--max-wait MS] [--max-growth MB]');

class Fuzzer {
  failures = 0;
  readonly counts: Record<string, number> = {};
  readonly #running = new Set<string>();
  #next = first;

  constructor(
    private readonly world: World,
    private readonly signIn: () => Promise<void>,
  ) {}

  /** Runs the cases before `end`. */
  async run(end: number): Promise<void> {
    await Promise.all(Array.from({ length: CONCURRENCY }, () => this.#work(end)));
  }

  /** Reports what has gone wrong, with the cases in progress, one of which is the cause. */
  report(problem: string): void {
    this.failures += 1;
    console.error(`\n✗ ${problem}\n  in progress: ${[...this.#running].join(', ')}`);
  }

  async #work(end: number): Promise<void> {
    while (this.#next < end) {
      const index = this.#next;
      this.#next += 1;
      const random = new Random(seed, index);
      const [kind, fuzz] = random.pick(KINDS);
      if (!kind.includes(options.only)) continue;
      if (index % 100 === 0) {
        showProgress(`case ${index} of ${first + cases}, ${this.failures} failures`);
        await this.signIn();
      }
      const name = `${index} (${kind})`;
      this.#running.add(name);
      this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      await fuzz(random, this.world, index).catch((error: unknown) =>
        this.world.problems.push(`the case failed: ${String(error)}`),
      );
      for (const problem of this.world.problems.splice(0)) this.report(problem);
      this.#running.delete(name);
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'parley-fuzz-'));
try {
  process.exitCode = (await main()) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<boolean> {
  let onLine = (_line: string) => {};
  await using provider = await startOpenAICompatibleServer('fuzzed', answerFuzzed);
  const settings = {
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'fuzzed.db')}`,
    JWT_SECRET: 'a secret of the benchmark, long enough',
    JWT_EXPIRES_IN: '1d',
    OPENAI_BASE_URL: provider.baseUrl,
    OPENAI_TIMEOUT: '1s',
    OPENAI_MAX_RETRIES: '1',
    PLAYGROUND: 'on',
    WEB_CHAT: 'on',
    RATE_LIMIT_AUTH: 'off',
    RATE_LIMIT_REGISTER: 'off',
    RATE_LIMIT_REGISTER_TOTAL: 'off',
    RATE_LIMIT_ASK: 'off',
    DAILY_TOKEN_QUOTA: '1000000000',
    LOG_LEVEL: 'info',
  };
  const log = new LineReader((line) => onLine(line));
  using server = await MeasuredProcess.start(join(import.meta.dirname, '../../src/main.js'), settings, folder, log);
  const clock = new RunningClock(server.pid);
  const world = new World(server.url, seed, maxWaitMs, () => clock.now());
  const admin = `admin-${randomUUID()}@example.com`;
  using visitor = new Attacker(server.url, '127.0.0.1');
  const { token: adminToken } = await visitor.register(admin);
  execFileSync(process.execPath, [join(import.meta.dirname, '../../src/commands/user.js'), 'grant', admin], {
    cwd: folder,
    env: { PATH: process.env['PATH'], DATABASE_URL: settings.DATABASE_URL },
  });
  const isValid = async (token: string) => {
    using user = new Attacker(server.url, '127.0.0.1', token);
    return (await user.post('{ me { id } }')).code === 'ok';
  };
  const signIn = async () => {
    const tokens = [adminToken!, ...world.tokens.slice(1)];
    const replies = await Promise.all(tokens.map((token) => isValid(token)));
    const valid = tokens.filter((_, i) => replies[i]!);
    while (valid.length < USERS) valid.push((await visitor.register()).token!);
    world.tokens = valid;
  };
  await signIn();
  const { token } = await visitor.register();
  await using healthy = new HealthyClient({
    url: server.url,
    token: token!,
    pid: server.pid,
    timeoutMs: HEALTHY_TIMEOUT_MS,
  });
  const fuzzer = new Fuzzer(world, signIn);
  onLine = (line) => {
    const { level, msg, err } = JSON.parse(line) as { level: number; msg: string; err?: { stack?: string } };
    // That the provider misbehaves is a fact for the operator.
    if (level >= ERROR_LEVEL && msg !== 'Provider call') fuzzer.report(`logged: ${msg} ${err?.stack ?? ''}`);
  };

  await server.request('longestTurn');
  const samples: Sample[] = [];
  for (let part = 1; part <= PARTS; part += 1) {
    await fuzzer.run(first + Math.floor((cases * part) / PARTS));
    samples.push(await sample(server));
  }
  const before = samples[0]!;
  const { maxMs, queries, failures } = await healthy.finish();
  const longestTurn = await server.request('longestTurn');
  let after = samples.at(-1)!;
  // Timeouts of what clients have left behind, such as reserved streams, take up to 30 s.
  for (let i = 0; i < 40 && !isLevel(before, after); i += 1) {
    await sleep(1_000);
    after = await sample(server);
  }
  if (failures.length > 0) fuzzer.report(`${failures.length} of ${queries} healthy queries failed: ${failures[0]}`);
  if (maxMs > maxWaitMs) fuzzer.report(`a healthy query took ${maxMs.toFixed(0)} ms`);
  if (longestTurn > maxWaitMs) fuzzer.report(`the event loop was blocked for ${longestTurn.toFixed(0)} ms of CPU time`);
  if (!isLevel(before, after)) fuzzer.report(`memory or connections are kept: ${JSON.stringify({ before, after })}`);

  console.log(`Seed ${seed}, cases ${first} to ${first + cases - 1}: ${JSON.stringify(fuzzer.counts)}`);
  console.log(`A healthy client waited ${maxMs.toFixed(0)} ms at most; the event loop was blocked for ${longestTurn.toFixed(0)} ms of CPU time at most. Heap after each fifth of the cases: ${samples.map(({ heap }) => toMb(heap)).join(', ')} MB, and ${toMb(after.heap)} MB at the end.`);
  console.log(fuzzer.failures === 0 ? '✓ No problem found.' : `✗ ${fuzzer.failures} problems found.`);
  return fuzzer.failures === 0;
} // prettier-ignore

interface Sample {
  heap: number;
  sockets: number;
}

async function sample(server: MeasuredProcess): Promise<Sample> {
  await server.untilIdle();
  const { heap } = await server.request('memory');
  const { TCPSocketWrap: sockets = 0 } = await server.request('handles');
  return { heap, sockets };
}

function isLevel(before: Sample, after: Sample): boolean {
  return after.heap - before.heap <= maxGrowthBytes && after.sockets - before.sockets <= MAX_MORE_SOCKETS;
}

function toMb(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
