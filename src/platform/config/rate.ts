import { parseDuration } from './duration.js';

/** So many in that time, in milliseconds: whole seconds, since Redis counts in those. */
export interface Rate {
  limit: number;
  window: number;
}

/** Reads `20/1m`. Returns null where the text is none of that form. */
export function parseRate(text: string): Rate | null {
  const [limit, window, ...rest] = text.split('/');
  const milliseconds = parseDuration(window ?? '');
  if (rest.length > 0 || !/^\d{1,9}$/.test(limit ?? '') || Number(limit) === 0 || !milliseconds) return null;
  if (milliseconds % 1_000 !== 0) return null;
  return { limit: Number(limit), window: milliseconds };
}
