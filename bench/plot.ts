export interface Plot {
  title: string;
  subtitle: string;
  /** The label of the x axis. */
  x: string;
  /** The label of each value on the x axis. If absent, the axis counts from 1. */
  labels?: readonly string[];
  series: { name: string; color: string; values: readonly number[]; isDashed?: boolean }[];
}

const WIDTH = 760;
const HEIGHT = 380;
const LEFT = 64;
const RIGHT = 140;
const TOP = 72;
const BOTTOM = 44;

/** The smallest distance between the names of two lines. */
const NAME_HEIGHT = 16;

/** Returns a line chart as SVG, readable on light and dark pages. */
export function plot({ title, subtitle, x, labels, series }: Plot): string {
  const count = Math.max(...series.map(({ values }) => values.length));
  const top = roundUpToNiceNumber(Math.max(...series.flatMap(({ values }) => values)));
  const atX = (i: number) => round(LEFT + ((WIDTH - LEFT - RIGHT) * i) / Math.max(1, count - 1));
  const atY = (value: number) => round(HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / top);

  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const y = atY(part * top);
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#d6d3d1"/>
  <text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${(part * top).toLocaleString('en')}</text>`;
  });
  const createTick = (i: number, label: string) =>
    `<text x="${atX(i)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label}</text>`;
  const ticks =
    labels?.map((label, i) => createTick(i, label)) ??
    [...new Set([1, ...Array.from({ length: 4 }, (_, i) => Math.round(((i + 1) * count) / 4))])].map((n) =>
      createTick(n - 1, String(n)),
    );
  const names = separate(series.map(({ values }) => atY(values.at(-1)!) + 4));
  const lines = series.map(({ name, color, values, isDashed }, index) => {
    const points = values.map((value, i) => `${atX(i)},${atY(value)}`).join(' ');
    const dashes = isDashed ? ' stroke-dasharray="5 5"' : '';
    return `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="2.5"${dashes}/>
  <text x="${atX(values.length - 1) + 8}" y="${names[index]}" fill="${color}" font-weight="600">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#57534e" role="img" aria-label="${title}">
  <rect width="100%" height="100%" rx="8" fill="#fafaf9"/>
  <text x="20" y="30" font-size="17" font-weight="600" fill="#1c1917">${title}</text>
  <text x="20" y="50">${subtitle}</text>
  ${[...grid, ...ticks, ...lines].join('\n  ')}
  <text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${x}</text>
</svg>
`;
}

/** Moves positions apart that are too close to each other, downwards. */
function separate(positions: readonly number[]): number[] {
  const separated = [...positions];
  const order = positions.map((_, i) => i).toSorted((a, b) => positions[a]! - positions[b]!);
  for (const [rank, i] of order.entries()) {
    const above = separated[order[rank - 1]!];
    if (above !== undefined) separated[i] = round(Math.max(separated[i]!, above + NAME_HEIGHT));
  }
  return separated;
}

const round = (n: number): number => Math.round(n * 10) / 10;

/** Rounds up to 1, 2, 4 or 5 times a power of ten. */
function roundUpToNiceNumber(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return unit * ([1, 2, 4, 5, 10].find((step) => step * unit >= value) ?? 10);
}
