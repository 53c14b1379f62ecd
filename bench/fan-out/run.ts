/**
 * Simulates the fan-out of many simultaneous answers through Redis: `npm run bench:fan-out`. Every answer is shared as an
 * instance shares it and mirrored at another one, with the server's own code. Measures what Redis bears for each token, and
 * computes what it would bear with more answers. Checks the text that arrives.
 *
 *   ANSWERS=500 SECONDS=10 npm run bench:fan-out
 *   INSTANCES=3 npm run bench:fan-out              the number of instances that mirror every answer
 *   REDIS_URL=redis://… npm run bench:fan-out      your Redis; otherwise it starts one
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import type { Delta } from '../../src/answering/answer-event.types.js';
import { LiveAnswer } from '../../src/answering/live-answer.js';
import { RedisSharedAnswers } from '../../src/answering/shared-answers.redis.js';
import { newId } from '../../src/platform/db/ids.js';
import { RedisConnection } from '../../src/platform/redis/connection.redis.js';
import type * as redisScript from '../../scripts/redis.mjs';
import { importScript } from '../kit/databases.js';
import { formatTable } from '../kit/report.js';
import { writeResults } from '../kit/results.js';
import { Tally } from '../kit/tally.js';
import { createToken } from '../kit/token.js';

const ANSWERS = Number(process.env['ANSWERS'] ?? 300);
const SECONDS = Number(process.env['SECONDS'] ?? 10);
const INSTANCES = Number(process.env['INSTANCES'] ?? 1);
/** Tokens per second of an answer. */
const RATE = 25;
const PROJECTED = [1_000, 10_000, 100_000];

await using started = process.env['REDIS_URL'] ? null : await startRedis();
const url = process.env['REDIS_URL'] ?? started!.url;
const prefix = `fan-out-${newId()}:`;
const log = pino({ level: 'silent' });
const observer = new Redis(url);
try {
  await simulate();
} finally {
  observer.disconnect();
}

async function simulate(): Promise<void> {
  await using writer = await openInstance();
  await using mirrors = new AsyncDisposableStack();
  const instances: Instance[] = [];
  for (let i = 0; i < INSTANCES; i += 1) instances.push(mirrors.use(await openInstance()));
  const tally = new Tally();
  const ended = new AbortController();
  const answers = Array.from({ length: ANSWERS }, () => {
    const live = new LiveAnswer(newId());
    writer.answers.share(live);
    for (const instance of instances) follow(instance, live.id, tally, ended.signal);
    return live;
  });
  await sleep(1_000); // subscriptions

  const before = await readInfo();
  const cpu = process.cpuUsage();
  const lengths = answers.map(() => 0);
  const began = performance.now();
  // Each answer has its own phase, because in a real chat they are not synchronous.
  for (let sent = 0, total = ANSWERS * RATE * SECONDS; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * ANSWERS * RATE));
    for (; sent < due; sent += 1) answers[sent % ANSWERS]!.append(createToken(lengths[sent % ANSWERS]!++));
    await sleep(1);
  }
  const wanted = ANSWERS * RATE * SECONDS * INSTANCES;
  const deadline = performance.now() + 30_000;
  while (tally.tokens < wanted && performance.now() < deadline) await sleep(20);
  if (tally.tokens !== wanted) throw new Error(`${tally.tokens} of ${wanted} tokens arrived.`);
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const after = await readInfo();
  ended.abort();
  for (const live of answers) live.finish();
  report(before, after, seconds, (user + system) / 1e6 / seconds, tally);
}

interface Instance extends AsyncDisposable {
  answers: RedisSharedAnswers;
}

async function openInstance(): Promise<Instance> {
  const redis = await RedisConnection.open({ url, prefix }, log);
  // According to the database, every answer is being generated.
  const answers = new RedisSharedAnswers(redis, (ids) => Promise.resolve(ids));
  return {
    answers,
    async [Symbol.asyncDispose]() {
      await answers[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

function follow({ answers }: Instance, id: string, tally: Tally, signal: AbortSignal): void {
  const followed = answers.follow(id);
  const onText = tally.follower();
  const take = ({ offset, text }: Delta) => onText(offset, text);
  const receiver = { isReady: true, take, whenReady: () => {} };
  void followed.live
    .relay({ text: 0, reasoning: 0, items: 0 }, receiver, signal)
    .then(() => followed[Symbol.dispose]());
}

interface Info {
  commands: number;
  bytes: number;
  /** Seconds. */
  cpu: number;
}

async function readInfo(): Promise<Info> {
  const info = new Map((await observer.info()).split('\r\n').map((line) => line.split(':') as [string, string]));
  const figure = (name: string) => Number(info.get(name));
  return {
    commands: figure('total_commands_processed'),
    bytes: figure('total_net_input_bytes') + figure('total_net_output_bytes'),
    cpu: figure('used_cpu_user') + figure('used_cpu_sys'),
  };
}

function report(before: Info, after: Info, seconds: number, processLoad: number, tally: Tally): void {
  const perAnswer = (figure: keyof Info) => (after[figure] - before[figure]) / seconds / ANSWERS;
  const [commands, bytes, cpu] = [perAnswer('commands'), perAnswer('bytes'), perAnswer('cpu')];
  const figures = {
    answers: ANSWERS,
    instances: INSTANCES,
    rate: RATE,
    lagP50: tally.lag(0.5),
    lagP99: tally.lag(0.99),
    commandsPerSecond: commands,
    bytesPerSecond: bytes,
    cpuShare: cpu,
    processLoad,
  };
  console.log(`${ANSWERS} answers at ${RATE} tokens/s, each mirrored at ${INSTANCES} other instance(s).`);
  console.log(`All tokens arrived; lag p50 ${figures.lagP50.toFixed(1)} ms, p99 ${figures.lagP99.toFixed(1)} ms.`);
  console.log(
    `Redis used ${(cpu * ANSWERS * 100).toFixed(0)} % of a core, this process ${(processLoad * 100).toFixed(0)} %.\n`,
  );
  const rows = [ANSWERS, ...PROJECTED].map((answers, index) => [
    `${answers.toLocaleString('en')}${index === 0 ? ' (measured)' : ''}`,
    (commands * answers).toFixed(0),
    ((bytes * answers) / 1e6).toFixed(1),
    (cpu * answers).toFixed(2),
  ]);
  console.log(formatTable([['answers', 'commands/s', 'MB/s', 'cores of Redis'], ...rows]));
  writeResults('fan-out', figures);
}

async function startRedis(): Promise<redisScript.RedisServer> {
  const { RedisServer } = (await importScript('redis')) as typeof redisScript;
  return await RedisServer.start();
}
