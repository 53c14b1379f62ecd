/**
 * Runs users that ask, follow, stop, reconnect and list for MINUTES (default 10) against the real server in a process of its
 * own. At the end the heap and the handles of the server must be as they were after a warm-up, and every answer that is
 * stored must equal what its followers have put together. The exit code is 1 otherwise.
 *
 *   npm run bench:soak
 *   MINUTES=1 npm run bench:soak
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/platform/config/package-root.js';
import { startOpenAICompatibleServer, type CompletionReply } from '../../src/demo/openai-compatible-server.js';
import { MeasuredProcess } from '../kit/measured-process.js';
import { chance, createPieces } from './text.js';
import { SoakUser, type Tally } from './user.js';

const USERS = 20;

/** The share of the time after which the caches are filled. */
const WARM_UP_SHARE = 0.2;

/** How much the heap may grow after the warm-up: fragmentation, and the pages of SQLite. */
const MAX_GROWTH = 1.15;
const MAX_GROWTH_BYTES = 8e6;

/** Timers and connections that are about to end. */
const MAX_MORE_HANDLES = 5;

const minutes = Number(process.env['MINUTES'] ?? 10);
if (!(minutes > 0)) throw new Error('MINUTES must be a positive number.');

interface Sample {
  heapMb: number;
  rssMb: number;
  handles: number;
  kinds: Record<string, number>;
}

async function soak(folder: string): Promise<boolean> {
  await using provider = await startOpenAICompatibleServer('soak', answer);
  using server = await MeasuredProcess.start(
    join(import.meta.dirname, '../../src/main.js'),
    {
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: `sqlite:${join(folder, 'soak.db')}`,
      JWT_SECRET: 'a secret of the benchmark, long enough',
      JWT_EXPIRES_IN: '1d',
      OPENAI_BASE_URL: provider.baseUrl,
      RATE_LIMIT_AUTH: 'off',
      RATE_LIMIT_REGISTER: 'off',
      RATE_LIMIT_ASK: 'off',
      DAILY_TOKEN_QUOTA: '1000000000',
      DAILY_TOKEN_BUDGET: '1000000000000',
      LOG_LEVEL: 'fatal',
    },
    folder,
  );
  const tally: Tally = {
    answers: 0,
    followers: 0,
    reconnects: 0,
    stops: 0,
    lists: 0,
    deletions: 0,
    differences: [],
  };
  const total = minutes * 60_000;
  console.log(`${USERS} users for ${minutes} minutes.`);
  await runUsers(`${server.url}/graphql`, tally, total * WARM_UP_SHARE);
  const before = await sample(server);
  await runUsers(`${server.url}/graphql`, tally, total * (1 - WARM_UP_SHARE));
  const after = await sample(server);

  const { differences, ...counts } = tally;
  console.table({ 'after the warm-up': describe(before), 'at the end': describe(after) });
  console.table([counts]);
  const isHeapLevel = after.heapMb <= before.heapMb * MAX_GROWTH + MAX_GROWTH_BYTES / 1e6;
  const areHandlesLevel = after.handles <= before.handles + MAX_MORE_HANDLES;
  report(isHeapLevel, 'The heap is level.', 'The heap has grown.');
  report(areHandlesLevel, 'The handles are level.', `There are more handles: ${JSON.stringify(after.kinds)}`);
  report(
    differences.length === 0,
    'Every stored answer equals what its followers put together.',
    `${differences.length} followers differ from the stored answer:\n  ${differences.slice(0, 20).join('\n  ')}`,
  );
  const results = join(packageRoot, 'bench/results');
  mkdirSync(results, { recursive: true });
  const record = { minutes, users: USERS, before, after, ...counts, differences: differences.length };
  writeFileSync(join(results, 'soak.json'), `${JSON.stringify(record, null, 2)}\n`);
  return isHeapLevel && areHandlesLevel && differences.length === 0;
}

async function runUsers(url: string, tally: Tally, durationMs: number): Promise<void> {
  const deadline = performance.now() + durationMs;
  await Promise.all(
    Array.from({ length: USERS }, async () => {
      await using user = await SoakUser.register(url, tally);
      while (performance.now() < deadline) await user.act();
    }),
  );
}

/** Waits until connections and titles have ended, so that only what remains is measured. */
async function sample(server: MeasuredProcess): Promise<Sample> {
  await sleep(5_000);
  await server.untilIdle();
  // The second collection frees what finalizers of the first one have released.
  await server.request('memory');
  const { heap, rss } = await server.request('memory');
  const kinds = await server.request('handles');
  const handles = Object.values(kinds).reduce((sum, count) => sum + count, 0);
  return { heapMb: heap / 1e6, rssMb: rss / 1e6, handles, kinds };
}

const describe = ({ heapMb, rssMb, handles }: Sample) => ({
  'heap, MB': heapMb.toFixed(1),
  'RSS, MB': rssMb.toFixed(0),
  handles,
});

function report(isGood: boolean, good: string, bad: string): void {
  console.log(isGood ? `✓ ${good}` : `✗ ${bad}`);
}

/** A title and metadata: what is not asked for is ignored. */
const STRUCTURED = {
  title: 'A tent for two',
  interests: ['tents'],
  offeredProducts: [],
  rejectedProducts: [],
  saleStatus: 'EXPLORING',
  lastIntent: 'compare',
  summary: 'Two people, in May.',
};

/** Answers at a pace of its own, and fails or breaks off now and then. */
async function answer(request: { response_format?: unknown }, reply: CompletionReply): Promise<void> {
  if (request.response_format) {
    reply.delta(JSON.stringify(STRUCTURED));
    return reply.finish('stop', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
  }
  if (chance(0.02)) return reply.fail(500, { message: 'a failure of the soak test' });
  const pause = randomInt(0, 8);
  for (const piece of createPieces()) {
    if (reply.signal.aborted) return;
    reply.delta(piece);
    if (pause > 0) await sleep(pause);
  }
  reply.finish('stop', { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 });
}

const folder = mkdtempSync(join(tmpdir(), 'parley-soak-'));
try {
  process.exitCode = (await soak(folder)) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
