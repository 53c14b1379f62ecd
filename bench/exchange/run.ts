/**
 * Measures whole exchanges: `npm run bench:exchange`. 200 users ask within one second; each follows an answer of 125 tokens at
 * 25 tokens/s to its end. Asking, subscribing, titles and the last writes are included. Compares the real server to a
 * minimal one (servers/raw.ts) and to the usual design (servers/usual.ts), in interleaved rounds. Checks every token and row.
 *
 *   ROUNDS=5 npm run bench:exchange               the number of rounds
 *   DATABASE=postgresql npm run bench:exchange    on PostgreSQL, and Parley with Redis; it starts both
 *   SCALE=0.1 npm run bench:exchange              a tenth of the users and tokens, to see that it works
 */
import 'reflect-metadata';
import { plotBars } from '../bars.js';
import { showProgress } from '../kit/progress.js';
import { computeMedian, formatAbsolutes, formatReport, formatTable, type Goal, type Round } from '../kit/report.js';
import { writeResults } from '../kit/results.js';
import { runBenchmark } from '../kit/run-benchmark.js';
import { toCount } from '../kit/scale.js';
import { seedUser, type SeededUser } from '../kit/seed.js';
import { SERVER_NAMES, type ServerName } from '../servers/measured-server.js';
import { IS_POSTGRESQL, measureRounds, ServerFleet, startAll, toResultName } from '../servers/server-fleet.js';
import { countExchanges, type ExchangeCounts, type Following } from './count.js';
import { GOALS } from './goals.js';
import { exchange, visit, type Sizes, type Subject } from './loads.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const USERS = toCount(200);

const SIZES: Sizes = { tokens: toCount(125, 25), readTokens: toCount(50, 10) };

const LOADS = { exchange, visit };

await runBenchmark(async (use) => {
  const fleet = await ServerFleet.open(use, async (orm) => {
    const users: SeededUser[] = [];
    for (let i = 0; i < USERS; i += 1) users.push(await seedUser(orm, 2));
    return users;
  });
  const start = async (name: ServerName): Promise<Subject> => {
    const { server, database } = await fleet.start(name);
    const users = await Promise.all(
      fleet.seeded.map(async (user) => ({ ...user, socket: await server.open(user.token) })),
    );
    return { server, database, gate: fleet.gate, users, ...SIZES };
  };
  const subjects = await startAll(start, async (subject) => {
    for (const run of Object.values(LOADS)) await run(subject);
  });
  const rounds = await measureRounds(ROUNDS, subjects, LOADS);
  showProgress('');
  console.log(`\r${USERS} users. Medians of ${ROUNDS} interleaved rounds; each ratio is computed within one round.\n`);
  console.log(formatReport(GOALS, rounds));
  console.log(`\nCPU in µs, the rest in ms:\n\n${formatAbsolutes(GOALS, rounds, SERVER_NAMES)}`);
  writeResults(toResultName('exchange'), rounds, createPlot(rounds));
  if (fleet.redisUrl === null) return;
  const counts = await countExchanges(use, fleet, SIZES);
  console.log(`\nEach exchange of ${SIZES.tokens} tokens, by where its answer is followed:\n\n${formatCounts(counts)}`);
  writeResults('exchange-counts', { tokens: SIZES.tokens, ...counts });
});

function formatCounts(counts: Record<Following, ExchangeCounts>): string {
  const [same, other] = [counts['same instance'], counts['other instance']];
  const figures = Object.keys(same) as (keyof ExchangeCounts)[];
  const rows = figures.map((figure) => [figure, same[figure].toFixed(1), other[figure].toFixed(1)]);
  return formatTable([['', ...Object.keys(counts)], ...rows]);
}

function createPlot(rounds: readonly Round[]): string {
  const [perToken, , firstToken] = GOALS as [Goal, Goal, Goal];
  return plotBars({
    title: `What a whole exchange costs${IS_POSTGRESQL ? ' with PostgreSQL and Redis' : ''}`,
    subtitle: `${USERS} users ask within one second, ${SIZES.tokens} tokens each; relative to raw (1), and the goal; lower is better`,
    groups: [perToken, firstToken].map((goal) => ({
      name: goal.what,
      goal: goal.limit![1],
      values: { parley: computeMedian(goal, 'parley', rounds)!, usual: computeMedian(goal, 'usual', rounds)! },
    })),
  });
}
