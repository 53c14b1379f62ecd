/** What a check has found. `skipped`: there is nothing to check. */
export interface Finding {
  subject: string;
  state: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What is the case and, if something is wrong and there is no `way`, what to do. */
  text: string;
  /** What Parley does about it, or what to set. */
  way?: string;
}

const SYMBOLS = { ok: '✓', warning: '!', failed: '✗', skipped: '–' };

/** Returns a line for each finding, aligned as a table. */
export function formatFindings(findings: readonly Finding[]): string {
  const subjectWidth = Math.max(...findings.map(({ subject }) => subject.length));
  const textWidth = Math.max(0, ...findings.map(({ text, way }) => (way ? text.length : 0)));
  return findings
    .map(({ subject, state, text, way }) => {
      const columns = way ? `${text.padEnd(textWidth)}  → ${way}` : text;
      return `  ${SYMBOLS[state]} ${subject.padEnd(subjectWidth)}  ${columns}`;
    })
    .join('\n');
}
