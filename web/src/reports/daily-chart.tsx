import { useText } from '../i18n/language.js';
import { useFormat } from '../ui/use-format.js';

interface Series {
  /** Selects the color. */
  key: string;
  label: string;
  /** By day, YYYY-MM-DD. */
  values: ReadonlyMap<string, number>;
}

interface DailyChartProps {
  label: string;
  days: readonly string[];
  series: readonly Series[];
}

const WIDTH = 600;
const HEIGHT = 160;
const GAP = 0.25;

/** Stacked columns, one for each day, and the same numbers as a table. */
export function DailyChart({ label, days, series }: DailyChartProps) {
  const t = useText();
  const format = useFormat();
  const totals = days.map((day) => series.reduce((sum, { values }) => sum + (values.get(day) ?? 0), 0));
  const largest = Math.max(...totals);
  if (largest === 0) return <p className="no-data">{t.noData}</p>;
  const step = WIDTH / days.length;
  const shown = series.filter(({ values }) => days.some((day) => values.get(day)));
  return (
    <figure className="daily">
      {shown.length > 1 && (
        <ul className="legend" aria-hidden="true">
          {shown.map(({ key, label: name }) => (
            <li key={key} className="status-chip" data-status={key}>
              {name}
            </li>
          ))}
        </ul>
      )}
      <p className="daily-largest" aria-hidden="true">
        {format.number(largest)}
      </p>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {days.map((day, i) => (
          <Column
            key={day}
            title={`${format.day(day)}: ${format.number(totals[i]!)}`}
            x={(i + GAP / 2) * step}
            width={step * (1 - GAP)}
            parts={shown.map(({ key, values }) => ({ key, height: ((values.get(day) ?? 0) / largest) * HEIGHT }))}
          />
        ))}
      </svg>
      <p className="daily-axis" aria-hidden="true">
        <span>{format.day(days[0]!)}</span>
        <span>{format.day(days.at(-1)!)}</span>
      </p>
      <details>
        <summary>{t.showTable}</summary>
        <div className="table-scroller" tabIndex={0} role="group" aria-label={label}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.day}</th>
                {shown.map(({ key, label: name }) => (
                  <th key={key} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days
                .filter((_, i) => totals[i]! > 0)
                .map((day) => (
                  <tr key={day}>
                    <th scope="row">{format.day(day)}</th>
                    {shown.map(({ key, values }) => (
                      <td key={key}>{format.number(values.get(day) ?? 0)}</td>
                    ))}
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

interface ColumnProps {
  title: string;
  x: number;
  width: number;
  parts: readonly { key: string; height: number }[];
}

function Column({ title, x, width, parts }: ColumnProps) {
  const tops = parts.map((_, i) => parts.slice(0, i + 1).reduce((sum, { height }) => sum + height, 0));
  return (
    <g>
      <title>{title}</title>
      <rect className="column-frame" x={x} y={0} width={width} height={HEIGHT} />
      {parts.map(({ key, height }, i) => (
        <rect key={key} data-status={key} x={x} y={HEIGHT - tops[i]!} width={width} height={height} />
      ))}
    </g>
  );
}
