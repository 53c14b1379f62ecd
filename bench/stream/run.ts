/**
 * Measures the cost of relaying tokens: `npm run bench:stream`. Compares the real server, with accounts and a database, to
 * two baselines: the minimal one (raw.ts) and the usual design (usual.ts), in interleaved rounds. Checks every token.
 *
 *   PROFILE=1 npm run bench:stream     writes CPU profiles of the real server instead
 *   SCALE=0.1 npm run bench:stream     a tenth of the size, to see that it works
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/platform/config/package-root.js';
import { DESIGNS, type Design, type DesignName } from './designs.js';
import { Gate } from '../kit/gate.js';
import { firstToken, flatOut, memory, paced } from './loads.js';
import { MeasuredProcess } from '../kit/measured-process.js';
import { formatReport, type Round } from '../kit/report.js';
import { showProgress } from '../kit/progress.js';
import { runBenchmark } from '../kit/run-benchmark.js';
import { writeResults } from '../kit/results.js';
import { toCount } from '../kit/scale.js';
import { createTemporaryFolder } from '../kit/temporary-folder.js';
import { GOALS } from './goals.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const NAMES = Object.keys(DESIGNS) as DesignName[];

type Load = (design: Design, gate: Gate) => Promise<Record<string, number>>;

const LOADS: Record<string, Load> = {
  paced: (design, gate) => paced(design, gate, { answers: toCount(200), rate: 25 }),
  flatOut: (design, gate) => flatOut(design, gate, { answers: toCount(50), tokens: 500 }),
  followers100: (design, gate) => paced(design, gate, { answers: 1, followers: toCount(100), rate: 25 }),
  followers1000: (design, gate) => paced(design, gate, { answers: 1, followers: toCount(1_000), rate: 10 }),
  firstToken: (design, gate) => firstToken(design, gate, { questions: toCount(100) }),
  crowd: (design, gate) => paced(design, gate, { answers: toCount(400), rate: 25 }),
};
/** Loads that are skipped for a design because it cannot keep up with them. */
const SKIPPED: Partial<Record<DesignName, string>> = { usual: 'crowd' };
const WARM_UP: Load[] = [LOADS['paced']!, LOADS['flatOut']!];

const folder = createTemporaryFolder();
await runBenchmark(async (use) => {
  const provider = use(await MeasuredProcess.start(join(import.meta.dirname, '../kit/provider.js')));
  const gate = new Gate(provider);
  const start = async (name: DesignName): Promise<Design> => {
    const design = await DESIGNS[name](`${provider.url}/v1`, mkdtempSync(join(folder, name)));
    use(design.process);
    return design;
  };
  await (process.env['PROFILE'] ? profile(await start('parley'), gate) : measure(start, gate));
});

async function measure(start: (name: DesignName) => Promise<Design>, gate: Gate): Promise<void> {
  const designs = new Map<DesignName, Design>();
  for (const name of NAMES) {
    showProgress(`warming up ${name}`);
    const design = await start(name);
    designs.set(name, design);
    for (const load of WARM_UP) await load(design, gate);
  }
  const rounds: Round[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    const round: Round = {};
    for (const [load, run] of Object.entries(LOADS)) {
      for (const [name, design] of designs) {
        if (SKIPPED[name] === load) continue;
        showProgress(`round ${number} of ${ROUNDS}: ${load}, ${name}`);
        (round[name] ??= {})[load] = await run(design, gate);
      }
    }
    rounds.push(round);
  }
  // In new processes, because a heap that was larger before keeps unused memory.
  const last: Round = {};
  for (const name of NAMES) {
    showProgress(`memory: ${name}`);
    const design = await start(name);
    last[name] = { memory: await memory(design, gate, { followers: toCount(5_000), answers: toCount(1_000) }) };
    design.process[Symbol.dispose]();
  }
  rounds.push(last);
  showProgress('');
  const table = formatReport(GOALS, rounds);
  console.log(`\rMedians of ${ROUNDS} interleaved rounds; each ratio is computed within one round.\n\n${table}`);
  writeResults('stream', rounds);
}

/** Writes CPU profiles of the two loads, for Chrome DevTools. */
async function profile(design: Design, gate: Gate): Promise<void> {
  for (const load of WARM_UP) await load(design, gate);
  for (const load of ['paced', 'flatOut']) {
    design.process.profile = join(packageRoot, `bench/results/${load}.cpuprofile`);
    await LOADS[load]!(design, gate);
    console.log(design.process.profile);
  }
}
