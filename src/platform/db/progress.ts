import { printNotice } from '../telemetry/notice.js';

const INTERVAL_MS = 1_000;

/**
 * Creates a function that reports the progress of a migration on standard error, at most once a second.
 * @param description what is done to the rows
 */
export function createProgress(description: string, total: number): (rows: number) => void {
  let done = 0;
  let reportedAt = performance.now();
  return (rows) => {
    done += rows;
    if (performance.now() - reportedAt < INTERVAL_MS) return;
    reportedAt = performance.now();
    printNotice(`${description}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} rows.`);
  };
}
