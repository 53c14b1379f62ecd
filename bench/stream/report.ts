import type { DesignName } from './designs.js';

/** Each design's figures, by load. */
export type Round = Partial<Record<DesignName, Record<string, Record<string, number>>>>;

type Limit = ['≤' | '≥', number];

interface Goal {
  what: string;
  /** Which figure of which load. */
  load: string;
  figure: string;
  /** What it is a multiple of; null for an absolute figure. */
  of: 'raw' | 'usual' | null;
  /** Without one it is only shown. */
  limit?: Limit;
}

const GOALS: Goal[] = [
  { what: 'CPU per token, 200 × 25/s', load: 'paced', figure: 'cpuPerToken', of: 'raw', limit: ['≤', 1.3] },
  { what: 'CPU per token, 200 × 25/s', load: 'paced', figure: 'cpuPerToken', of: 'usual', limit: ['≤', 0.45] },
  { what: 'lag p50, 200 × 25/s', load: 'paced', figure: 'lagP50', of: 'raw' },
  { what: 'tokens/s, 50 × 500 flat out', load: 'flatOut', figure: 'tokensPerSecond', of: 'raw', limit: ['≥', 1.3] },
  { what: 'CPU per token, 50 × 500 flat out', load: 'flatOut', figure: 'cpuPerToken', of: 'raw' },
  { what: 'CPU per token, 100 followers', load: 'followers100', figure: 'cpuPerToken', of: 'raw', limit: ['≤', 1.3] },
  {
    what: 'CPU per token, 1,000 followers',
    load: 'followers1000',
    figure: 'cpuPerToken',
    of: 'raw',
    limit: ['≤', 1.3],
  },
  { what: 'time to the first token, p50', load: 'firstToken', figure: 'p50', of: 'raw', limit: ['≤', 2.5] },
  { what: 'lag p50, 400 × 25/s', load: 'crowd', figure: 'lagP50', of: 'raw', limit: ['≤', 1.5] },
  { what: 'lag p99, 400 × 25/s', load: 'crowd', figure: 'lagP99', of: 'raw', limit: ['≤', 2] },
  { what: 'KB of heap, an idle subscription', load: 'memory', figure: 'subscriptionHeap', of: null, limit: ['≤', 11] },
  { what: 'KB of RSS, an idle subscription', load: 'memory', figure: 'subscriptionRss', of: null, limit: ['≤', 25] },
  { what: 'KB of heap, a running stream', load: 'memory', figure: 'streamHeap', of: null, limit: ['≤', 20] },
];

/** A table of the goals, as Markdown. */
export function report(rounds: readonly Round[]): string {
  const rows = GOALS.map((goal) => {
    const [parley, usual] = [valueOf(goal, 'parley', rounds), valueOf(goal, 'usual', rounds)];
    return [
      goal.what,
      goal.of ? `of ${goal.of}` : '',
      parley?.toFixed(2) ?? '',
      goal.limit ? goal.limit.join(' ') : '',
      goal.limit && parley !== undefined ? (keeps(parley, goal.limit) ? 'yes' : 'no') : '',
      usual?.toFixed(2) ?? '',
    ];
  });
  const table = [['what', '', 'parley', 'goal', 'holds', 'usual'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(3, ...table.map((row) => row[column]!.length)));
  const lines = table.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

const keeps = (value: number, [side, limit]: Limit) => (side === '≤' ? value <= limit : value >= limit);

/** The median of the rounds' own ratios: what disturbs a round disturbs both sides of it. */
function valueOf({ load, figure, of }: Goal, name: DesignName, rounds: readonly Round[]): number | undefined {
  const values = rounds.flatMap((round) => {
    const value = round[name]?.[load]?.[figure];
    if (value === undefined) return [];
    return of ? value / round[of]![load]![figure]! : value;
  });
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(values.length - 1) >> 1]! + sorted[values.length >> 1]!) / 2;
}
