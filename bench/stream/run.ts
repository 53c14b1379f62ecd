/**
 * What the relay of tokens costs: `npm run bench:stream`. The real server (accounts, database and all) beside two
 * yardsticks, the least that Node.js can do (raw.ts) and the usual design (usual.ts), interleaved in rounds. Each token
 * is checked. With PROFILE=1 it writes CPU profiles of the real server instead.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/platform/config/package-root.js';
import { DESIGNS, type Design, type DesignName } from './designs.js';
import { Gate } from './gate.js';
import { firstToken, flatOut, memory, paced } from './loads.js';
import { MeasuredProcess } from './measured-process.js';
import { report, type Round } from './report.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const NAMES = Object.keys(DESIGNS) as DesignName[];

type Load = (design: Design, gate: Gate) => Promise<Record<string, number>>;

const LOADS: Record<string, Load> = {
  paced: (design, gate) => paced(design, gate, { answers: 200, rate: 25 }),
  flatOut: (design, gate) => flatOut(design, gate, { answers: 50, tokens: 500 }),
  followers100: (design, gate) => paced(design, gate, { answers: 1, followers: 100, rate: 25 }),
  followers1000: (design, gate) => paced(design, gate, { answers: 1, followers: 1_000, rate: 10 }),
  firstToken: (design, gate) => firstToken(design, gate, { questions: 100 }),
  crowd: (design, gate) => paced(design, gate, { answers: 400, rate: 25 }),
};
/** What a design cannot bear: it falls behind for as long as that lasts. */
const TOO_MUCH: Partial<Record<DesignName, string>> = { usual: 'crowd' };
const WARM_UP: Load[] = [LOADS['paced']!, LOADS['flatOut']!];

const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const processes: MeasuredProcess[] = [];
try {
  const provider = await MeasuredProcess.start(join(import.meta.dirname, 'provider.js'));
  processes.push(provider);
  const gate = new Gate(provider);
  const start = async (name: DesignName): Promise<Design> => {
    const design = await DESIGNS[name](`${provider.url}/v1`, mkdtempSync(join(folder, name)));
    processes.push(design.process);
    return design;
  };
  await (process.env['PROFILE'] ? profile(await start('parley'), gate) : measure(start, gate));
} finally {
  for (const started of processes) started[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(start: (name: DesignName) => Promise<Design>, gate: Gate): Promise<void> {
  const designs = new Map<DesignName, Design>();
  for (const name of NAMES) {
    progress(`warming up ${name}`);
    const design = await start(name);
    designs.set(name, design);
    for (const load of WARM_UP) await load(design, gate);
  }
  const rounds: Round[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    const round: Round = {};
    for (const [load, run] of Object.entries(LOADS)) {
      for (const [name, design] of designs) {
        if (TOO_MUCH[name] === load) continue;
        progress(`round ${number} of ${ROUNDS}: ${load}, ${name}`);
        (round[name] ??= {})[load] = await run(design, gate);
      }
    }
    rounds.push(round);
  }
  // In fresh processes: a heap that has been larger holds memory that is not used.
  const last: Round = {};
  for (const name of NAMES) {
    progress(`memory: ${name}`);
    const design = await start(name);
    last[name] = { memory: await memory(design, gate, { followers: 2_000, answers: 500 }) };
    design.process[Symbol.dispose]();
  }
  rounds.push(last);
  progress('');
  const table = report(rounds);
  console.log(`\rMedians of ${ROUNDS} interleaved rounds; ratios are those of one round's figures.\n\n${table}`);
  const kept = join(packageRoot, 'bench/results');
  mkdirSync(kept, { recursive: true });
  writeFileSync(join(kept, 'stream.json'), `${JSON.stringify(rounds, rounded, 1)}\n`);
}

/** Writes CPU profiles, which Chrome's developer tools open, of the time in which only tokens pass. */
async function profile(design: Design, gate: Gate): Promise<void> {
  for (const load of WARM_UP) await load(design, gate);
  for (const load of ['paced', 'flatOut']) {
    design.process.profile = join(packageRoot, `dist/${load}.cpuprofile`);
    await LOADS[load]!(design, gate);
    console.log(design.process.profile);
  }
}

function progress(text: string): void {
  process.stderr.write(`\r${text.padEnd(50)}`);
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
