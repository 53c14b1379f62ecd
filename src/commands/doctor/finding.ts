/** What a check has found. `skipped`: there is nothing to check. */
export interface Finding {
  subject: string;
  state: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What is the case and, if something is wrong, what to do. */
  text: string;
}

const SYMBOLS = { ok: '✓', warning: '!', failed: '✗', skipped: '–' };

/** Returns a line for each finding, aligned as a table. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  return findings.map(({ subject, state, text }) => `  ${SYMBOLS[state]} ${subject.padEnd(width)}  ${text}`).join('\n');
}
