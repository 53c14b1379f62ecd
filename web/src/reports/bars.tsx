import { useText } from '../i18n/language.js';
import { useFormat } from '../ui/use-format.js';

interface Row {
  key: string;
  label: string;
  value: number;
  /** Selects the color of a status. */
  status?: string;
}

/** Horizontal bars, each with its name and number. A screen reader reads them as a table. */
export function Bars({ rows }: { rows: readonly Row[] }) {
  const t = useText();
  const format = useFormat();
  if (rows.length === 0) return <p className="no-data">{t.noData}</p>;
  const largest = Math.max(...rows.map(({ value }) => value));
  return (
    <table className="bars">
      <tbody>
        {rows.map(({ key, label, value, status }) => (
          <tr key={key} data-status={status}>
            <th scope="row">{label}</th>
            <td className="bar-cell" aria-hidden="true">
              <svg className="bar" viewBox="0 0 100 10" preserveAspectRatio="none">
                <rect width={Math.max(0.6, (value / largest) * 100)} height="10" />
              </svg>
            </td>
            <td className="bar-value">{format.number(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
