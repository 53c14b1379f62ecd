const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The longest delay that a Node.js timer can hold (2^31 − 1 ms, some 24.8 days). */
export const LONGEST_TIMER = 2_147_483_647;

/** Reads `500ms`, `10s`, `15m`, `12h` or `7d`. Returns milliseconds, or null where the text is none of these. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) return null;
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
