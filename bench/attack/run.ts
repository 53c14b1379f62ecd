/**
 * Attacks a real server with a small heap in every way that we know, one after the other, each on a server and a database of
 * its own and over the loopback interface only. Meanwhile a healthy client sends a query every 100 ms. The exit code is 1 if
 * the server exits, the healthy client waits too long, or an attack succeeds. Needs Linux.
 *
 *   npm run attack
 *   npm run attack -- --only pings --only WebSockets
 *   npm run attack -- --max-median 60000        (on a busy machine)
 *   npm run attack -- --json bench/results/attack.json
 *   npm run attack -- --against ../an-older-checkout
 */
import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { summarize, type Attack, type Outcome } from './attack.js';
import { accountAttacks } from './attacks/accounts.js';
import { countAttacks } from './attacks/counts.js';
import { documentAttacks } from './attacks/documents.js';
import { environmentAttacks } from './attacks/environment.js';
import { unreadAttacks } from './attacks/unread.js';
import { HealthyClient, type HealthyFigures } from './healthy-client.js';
import { HEALTHY_ADDRESS, Target } from './target.js';

/** What the healthy client may wait, as the median of all its queries. */
const MAX_MEDIAN_MS = '250';

/** The healthy client has to have enough queries, also if the attack is over at once. */
const MIN_DURATION_MS = 2_000;

const MAX_DURATION_MS = 60_000;

interface Figures extends Outcome {
  attack: string;
  peakMb: number;
  cpuSeconds: number;
  seconds: number;
  healthy: Omit<HealthyFigures, 'failures'> & { failures: string };
  hasExited: boolean;
  passed: boolean;
}

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    'max-median': { type: 'string', default: MAX_MEDIAN_MS },
    json: { type: 'string' },
    against: { type: 'string' },
  },
});
const main = options.against
  ? resolve(options.against, 'dist/src/main.js')
  : join(import.meta.dirname, '../../src/main.js');
const attacks = [
  ...unreadAttacks,
  ...documentAttacks,
  ...countAttacks,
  ...accountAttacks,
  ...environmentAttacks,
].filter(({ name }) => options.only.some((text) => name.includes(text)));

const figures: Figures[] = [];
for (const [index, attack] of attacks.entries()) {
  console.log(`${index + 1}/${attacks.length} ${attack.name}`);
  const measured = await measure(attack);
  figures.push(measured);
  console.log(`  ${measured.passed ? '✓' : '✗'} ${measured.got}`);
}
print(figures);
if (options.json) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
process.exit(figures.every(({ passed }) => passed) ? 0 : 1);

async function measure(attack: Attack): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-attack-'));
  try {
    await using target = await Target.start(main, folder, attack);
    using visitor = target.createAttacker(HEALTHY_ADDRESS);
    const { token } = await visitor.register();
    const strike = await attack.prepare(target);
    await using healthy = new HealthyClient({ url: target.url, token: token! });
    await sleep(500);
    target.resetPeak();
    const cpu = target.readCpu();
    const began = performance.now();
    const outcome = await withDeadline(strike());
    const duration = performance.now() - began;
    if (duration < MIN_DURATION_MS) await sleep(MIN_DURATION_MS - duration);
    const { failures, ...latencies } = await healthy.finish();
    const isSlow = latencies.medianMs >= Number(options['max-median']);
    if (target.hasExited) console.log(target.output);
    return {
      ...outcome,
      attack: attack.name,
      peakMb: target.readMemory().peak / 1e6,
      cpuSeconds: target.readCpu() - cpu,
      seconds: duration / 1_000,
      healthy: { ...latencies, failures: summarize(failures) },
      hasExited: target.hasExited,
      passed: outcome.isDefended && !target.hasExited && !isSlow && failures.length === 0,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An attack that fails, for example because the server has exited, is an outcome as well. */
async function withDeadline(strike: Promise<Outcome>): Promise<Outcome> {
  const timeout = new AbortController();
  const late = sleep(MAX_DURATION_MS, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`not finished after ${MAX_DURATION_MS / 1_000} s`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([strike, late]);
  } catch (error) {
    return { got: `failed: ${(error as Error).message}`, isDefended: false };
  } finally {
    timeout.abort();
  }
}

function print(all: readonly Figures[]): void {
  console.table(
    Object.fromEntries(
      all.map(({ attack, peakMb, cpuSeconds, healthy, hasExited, passed }) => [
        attack,
        {
          'peak, MB': Math.round(peakMb),
          'CPU, s': Number(cpuSeconds.toFixed(1)),
          'median, ms': Number(healthy.medianMs.toFixed(1)),
          'p95, ms': Math.round(healthy.p95Ms),
          'max, ms': Math.round(healthy.maxMs),
          failures: healthy.failures,
          server: hasExited ? 'EXITED' : 'alive',
          passed,
        },
      ]),
    ),
  );
  const failed = all.filter(({ passed }) => !passed);
  console.log(
    failed.length === 0 ? `✓ None of ${all.length} attacks succeeded.` : `✗ ${failed.length} attacks succeeded.`,
  );
}
