export interface Bars {
  title: string;
  subtitle: string;
  groups: { name: string; goal: number; values: Record<string, number> }[];
}

const WIDTH = 760;
const LEFT = 270;
const RIGHT = 60;
const TOP = 70;
const BAR = 14;
const GAP = 18;
const LABEL = 32;
const COLORS = ['#0f766e', '#c2410c', '#57534e'];

/** Returns a bar chart as SVG, readable on light and dark pages. A line marks the goal of each group. */
export function plotBars({ title, subtitle, groups }: Bars): string {
  const names = Object.keys(groups[0]!.values);
  const height = TOP + groups.length * (names.length * BAR + GAP) + 30;
  const top = Math.max(...groups.flatMap(({ goal, values }) => [goal, ...Object.values(values)]));
  const toWidth = (value: number) => Math.round(((WIDTH - LEFT - RIGHT) * value) / top);

  const rows = groups.flatMap(({ name, goal, values }, group) => {
    const y = TOP + group * (names.length * BAR + GAP);
    const end = y + names.length * BAR;
    const goalX = LEFT + toWidth(goal);
    return [
      `<text x="${LEFT - 10}" y="${(y + end) / 2 + 4}" text-anchor="end">${name}</text>`,
      ...names.map((series, index) => {
        const [width, at] = [toWidth(values[series]!), y + index * BAR];
        const barEnd = LEFT + width;
        // Behind the line of the goal if that would cross the label.
        const labelX = (goalX >= barEnd && goalX < barEnd + LABEL ? goalX : barEnd) + 5;
        return `<rect x="${LEFT}" y="${at}" width="${width}" height="${BAR - 2}" fill="${COLORS[index]}"/>
  <text x="${labelX}" y="${at + 10}" font-size="11">${values[series]!.toFixed(1)}</text>`;
      }),
      `<line x1="${goalX}" x2="${goalX}" y1="${y - 4}" y2="${end + 2}" stroke="#1c1917" stroke-width="2"/>`,
    ];
  });
  const legend = [...names, 'goal'].map((name, index) => {
    const x = LEFT + index * 90;
    return `<rect x="${x}" y="${height - 22}" width="${name === 'goal' ? 2 : 10}" height="10" fill="${name === 'goal' ? '#1c1917' : COLORS[index]}"/>
  <text x="${x + 15}" y="${height - 13}">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#57534e" role="img" aria-label="${title}">
  <rect width="100%" height="100%" rx="8" fill="#fafaf9"/>
  <text x="20" y="30" font-size="17" font-weight="600" fill="#1c1917">${title}</text>
  <text x="20" y="50">${subtitle}</text>
  ${[...rows, ...legend].join('\n  ')}
</svg>
`;
}
