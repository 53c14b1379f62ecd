/**
 * Measures how the cost of each operation grows: `npm run bench:scale`. Users with 10 to 100,000 conversations send the same
 * requests to the real server, and 10 to 5,000 followers follow one answer. All users are in one database, so the figures
 * of the smallest one show what the rows of others cost.
 *
 *   ROUNDS=5 npm run bench:scale               the number of rounds
 *   DATABASE=postgresql npm run bench:scale    on PostgreSQL with Redis; it starts both
 *   SCALE=0.01 npm run bench:scale             a hundredth of the conversations and followers, to see that it works
 */
import 'reflect-metadata';
import { showProgress } from '../kit/progress.js';
import { computeMedian, formatTable, type Round } from '../kit/report.js';
import { writeResults } from '../kit/results.js';
import { runBenchmark } from '../kit/run-benchmark.js';
import { SCALE, toCount } from '../kit/scale.js';
import { seedUser, type SeededUser } from '../kit/seed.js';
import { plot } from '../plot.js';
import { askToEnd, read, type Figures, type Subject } from '../requests/loads.js';
import type { OperationName } from '../servers/measured-server.js';
import { measureRounds, ServerFleet, toResultName } from '../servers/server-fleet.js';
import { follow, type FollowSubject } from './follow.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 3);

const scaleTo = (sizes: number[], min: number) => [...new Set(sizes.map((size) => toCount(size, min)))];
const CONVERSATIONS = scaleTo([10, 100, 1_000, 10_000, 100_000], 2);
const FOLLOWERS = scaleTo([10, 100, 1_000, 5_000], 10);
const SOCKETS = 50;
const LONGEST_CONVERSATION = 200;

/** Each response is compared to the first one of the load: asking changes the list. */
const readAnew = (operation: OperationName, count: number) => (subject: Subject) => {
  subject.bodies.clear();
  return read(subject, operation, Math.max(8, Math.round(count * Math.min(1, SCALE * 10))));
};

const OPERATIONS: Record<string, (subject: Subject) => Promise<Figures>> = {
  me: readAnew('me', 400),
  list: readAnew('list', 200),
  page: readAnew('page', 200),
  search: readAnew('search', 200),
  ask: (subject) => askToEnd(subject, 40),
};
const COLORS = ['#0f766e', '#c2410c', '#1d4ed8', '#7e22ce', '#a16207'];

await runBenchmark(async (use) => {
  showProgress('adding conversations');
  const fleet = await ServerFleet.open(use, async (orm) => {
    const users: SeededUser[] = [];
    for (const size of CONVERSATIONS) users.push(await seedUser(orm, size, LONGEST_CONVERSATION));
    return users;
  });
  const { gate, seeded } = fleet;
  const { server, database } = await fleet.start('parley');
  const users = new Map<string, Subject>();
  for (const [index, user] of seeded.entries()) {
    const socket = await server.open(user.token);
    const subject = { server, database, gate, reader: user, asker: user, socket, unasked: [], bodies: new Map() };
    users.set(format(CONVERSATIONS[index]!), subject);
  }
  showProgress('warming up');
  for (const run of Object.values(OPERATIONS)) await run(users.values().next().value!);
  const byConversations = await measureRounds(ROUNDS, users, OPERATIONS);

  const user = seeded[0]!;
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => server.open(user.token)));
  const crowds = new Map(
    FOLLOWERS.map((followers): [string, FollowSubject] => [
      format(followers),
      { server, gate, user, sockets, followers },
    ]),
  );
  const byFollowers = await measureRounds(ROUNDS, crowds, { follow });
  showProgress('');

  const requests = Object.keys(OPERATIONS).map((name) => toSeries(name, name, 'cpu', users, byConversations));
  const following = [
    toSeries('joining', 'follow', 'join', crowds, byFollowers),
    toSeries('token', 'follow', 'token', crowds, byFollowers),
  ];
  console.log(`\rCPU in µs; medians of ${ROUNDS} rounds.\n`);
  console.log(formatTable([['conversations', ...users.keys()], ...requests.map(toRow)]));
  console.log(`\n${formatTable([['followers', ...crowds.keys()], ...following.map(toRow)])}`);
  writeResults(
    toResultName('scale'),
    { conversations: byConversations, followers: byFollowers },
    plot({
      title: 'What a request costs as a user grows',
      subtitle: 'CPU time in µs, all users in one database; the lists do not read what they do not return',
      x: 'conversations of the user',
      labels: [...users.keys()],
      series: requests,
    }),
  );
  writeResults(
    toResultName('scale-followers'),
    byFollowers,
    plot({
      title: 'What a follower costs as an answer gets more of them',
      subtitle: 'CPU time in µs: of joining, and of each token that reaches a follower',
      x: 'followers of the answer',
      labels: [...crowds.keys()],
      series: following,
    }),
  );
});

interface Series {
  name: string;
  color: string;
  values: number[];
}

function toSeries(name: string, load: string, figure: string, subjects: Map<string, unknown>, rounds: Round[]): Series {
  const index = Object.keys(OPERATIONS).indexOf(load);
  const color = COLORS[index] ?? (figure === 'join' ? COLORS[0]! : COLORS[1]!);
  const values = [...subjects.keys()].map((size) => computeMedian({ load, figure, of: null }, size, rounds)!);
  return { name, color, values };
}

function toRow({ name, values }: Series): string[] {
  return [name, ...values.map((value) => value.toFixed(0))];
}

function format(size: number): string {
  return size.toLocaleString('en');
}
