import { parseDuration } from './duration.js';

/** At most `limit` per `window` (ms). The window is a whole number of seconds, the unit of the limiter in Redis. */
export interface Rate {
  limit: number;
  window: number;
}

/** Parses `20/1m`. Returns null if the text has another form. */
export function parseRate(text: string): Rate | null {
  const [limit, window, ...rest] = text.split('/');
  const milliseconds = parseDuration(window ?? '');
  if (rest.length > 0 || !/^\d{1,9}$/.test(limit ?? '') || Number(limit) === 0 || !milliseconds) return null;
  if (milliseconds % 1_000 !== 0) return null;
  return { limit: Number(limit), window: milliseconds };
}
