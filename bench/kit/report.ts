/** The figures of each server, by load. */
export type Round = Partial<Record<string, Record<string, Record<string, number>>>>;

type Limit = ['≤' | '≥', number];

export interface Goal {
  what: string;
  load: string;
  figure: string;
  /** The baseline that the figure is divided by. Null: an absolute figure. */
  of: 'raw' | 'usual' | null;
  /** If absent, the figure is only shown. */
  limit?: Limit;
}

/** Returns a Markdown table of the goals. */
export function formatReport(goals: readonly Goal[], rounds: readonly Round[]): string {
  const rows = goals.map((goal) => {
    const [parley, usual] = [computeMedian(goal, 'parley', rounds), computeMedian(goal, 'usual', rounds)];
    return [
      goal.what,
      goal.of ? `of ${goal.of}` : '',
      parley?.toFixed(2) ?? '',
      goal.limit ? goal.limit.join(' ') : '',
      goal.limit && parley !== undefined ? (isWithin(parley, goal.limit) ? 'yes' : 'no') : '',
      usual?.toFixed(2) ?? '',
    ];
  });
  return formatTable([['what', '', 'parley', 'goal', 'holds', 'usual'], ...rows]);
}

/** Returns a Markdown table of the medians of the absolute figures. */
export function formatAbsolutes(goals: readonly Goal[], rounds: readonly Round[], names: readonly string[]): string {
  const unique = new Map(goals.map((goal) => [`${goal.load} ${goal.figure}`, { ...goal, of: null }]));
  const rows = [...unique.values()].map((goal) => [
    goal.what,
    ...names.map((name) => computeMedian(goal, name, rounds)?.toPrecision(3) ?? ''),
  ]);
  return formatTable([['what', ...names], ...rows]);
}

/** Returns a Markdown table. */
export function formatTable(table: readonly string[][]): string {
  const widths = table[0]!.map((_, column) => Math.max(3, ...table.map((row) => row[column]!.length)));
  const lines = table.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

const isWithin = (value: number, [side, limit]: Limit) => (side === '≤' ? value <= limit : value >= limit);

/** Returns the median of the ratios of each round, because a disturbance affects both sides of a ratio. */
export function computeMedian(
  { load, figure, of }: Pick<Goal, 'load' | 'figure' | 'of'>,
  name: string,
  rounds: readonly Round[],
): number | undefined {
  const values = rounds.flatMap((round) => {
    const value = round[name]?.[load]?.[figure];
    if (value === undefined) return [];
    return of ? value / round[of]![load]![figure]! : value;
  });
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(values.length - 1) >> 1]! + sorted[values.length >> 1]!) / 2;
}
