/**
 * Measures what requests cost: `npm run bench:requests`. Compares the real server to a minimal one (servers/raw.ts) and to
 * the usual design (servers/usual.ts), each in a process of its own and on a copy of the same database, in interleaved
 * rounds. Checks every response and every stored row.
 *
 *   ROUNDS=5 npm run bench:requests    the number of rounds
 *   DATABASE=postgresql npm run bench:requests    on PostgreSQL, and Parley with Redis; it starts both
 *   SCALE=0.1 npm run bench:requests   a tenth of the requests, to see that it works
 */
import 'reflect-metadata';
import { isDeepStrictEqual } from 'node:util';
import { plotBars } from '../bars.js';
import { showProgress } from '../kit/progress.js';
import { computeMedian, formatAbsolutes, formatReport, type Round } from '../kit/report.js';
import { writeResults } from '../kit/results.js';
import { runBenchmark } from '../kit/run-benchmark.js';
import { toCount } from '../kit/scale.js';
import { seedUser } from '../kit/seed.js';
import { SERVER_NAMES, type ServerName } from '../servers/measured-server.js';
import { IS_POSTGRESQL, measureRounds, ServerFleet, startAll, toResultName } from '../servers/server-fleet.js';
import { countCalls } from './check-stored.js';
import { GOALS } from './goals.js';
import { askOnly, askToEnd, firstToken, join as joinAnswer, read, type Figures, type Subject } from './loads.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 5);

/** Numbers of requests whose CPU time is measured. */
const [ASKS, FIRST_TOKENS] = [toCount(100), toCount(40)];

const LOADS: Record<string, (subject: Subject) => Promise<Figures>> = {
  me: (subject) => read(subject, 'me', toCount(1_000)),
  list: (subject) => read(subject, 'list', toCount(400)),
  page: (subject) => read(subject, 'page', toCount(400)),
  ask: (subject) => askOnly(subject, ASKS),
  askToEnd: (subject) => askToEnd(subject, ASKS),
  join: (subject) => joinAnswer(subject, toCount(200)),
  firstToken: (subject) => firstToken(subject, FIRST_TOKENS),
};

/** Each round asks in new conversations. The first one warms up. */
const CONVERSATIONS = (ROUNDS + 1) * (2 * ASKS + FIRST_TOKENS + 2);

await runBenchmark(async (use) => {
  const fleet = await ServerFleet.open(use, async (orm) => ({
    reader: await seedUser(orm, 100, 200),
    asker: await seedUser(orm, CONVERSATIONS),
  }));
  const start = async (name: ServerName): Promise<Subject> => {
    const { gate, seeded } = fleet;
    const { server, database } = await fleet.start(name);
    const socket = await server.open(seeded.asker.token);
    const unasked = [...seeded.asker.conversations];
    return { server, database, gate, ...seeded, socket, unasked, bodies: new Map() };
  };
  const subjects = await startAll(start, async (subject) => {
    for (const run of Object.values(LOADS)) await run(subject);
  });
  checkBodies(subjects);
  const rounds = await measureRounds(ROUNDS, subjects, LOADS);
  await checkCalls(subjects);
  showProgress('');
  console.log(`\rMedians of ${ROUNDS} interleaved rounds; each ratio is computed within one round.\n`);
  console.log(formatReport(GOALS, rounds));
  console.log(`\nCPU in µs, p50 in ms:\n\n${formatAbsolutes(GOALS, rounds, SERVER_NAMES)}`);
  writeResults(toResultName('requests'), rounds, createPlot(rounds));
});

/** The data that the servers read must be equal. The spelling of JSON may differ. */
function checkBodies(subjects: ReadonlyMap<ServerName, Subject>): void {
  const parse = (name: ServerName) =>
    Object.fromEntries([...subjects.get(name)!.bodies].map(([key, body]) => [key, JSON.parse(body) as unknown]));
  const expected = parse('raw');
  for (const name of SERVER_NAMES)
    if (!isDeepStrictEqual(parse(name), expected))
      throw new Error(`${name} and raw differ:\n${JSON.stringify(parse(name))}\n${JSON.stringify(expected)}`);
}

/** Every server must have recorded the same number of provider calls. */
async function checkCalls(subjects: ReadonlyMap<ServerName, Subject>): Promise<void> {
  const expected = await countCalls(subjects.get('raw')!.database);
  for (const [name, { database }] of subjects) {
    const calls = await countCalls(database);
    if (calls !== expected) throw new Error(`${name} recorded ${calls} provider calls, raw ${expected}.`);
  }
}

function createPlot(rounds: readonly Round[]): string {
  return plotBars({
    title: `What a request costs${IS_POSTGRESQL ? ' with PostgreSQL and Redis' : ''}`,
    subtitle: 'CPU time relative to raw (1), and the goal; lower is better',
    groups: GOALS.filter(({ figure }) => figure === 'cpu').map((goal) => ({
      name: goal.what.replace('CPU, ', ''),
      goal: goal.limit![1],
      values: { parley: computeMedian(goal, 'parley', rounds)!, usual: computeMedian(goal, 'usual', rounds)! },
    })),
  });
}
