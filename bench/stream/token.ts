/**
 * The tokens of the benchmark: their place in the answer and the moment when they were sent. So a reader knows that it
 * has the right one, and how long it was on its way.
 */
export const TOKEN_LENGTH = 12;
const PLACES = 1e4;
const TIMES = 1e8;

/** Tens of microseconds by the machine's monotonic clock, which is the same for all processes; modulo 1,000 seconds. */
function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1e5 + Math.floor(nanoseconds / 1e4)) % TIMES;
}

export const tokenOf = (place: number): string => String((place % PLACES) * TIMES + now()).padStart(TOKEN_LENGTH, '0');

/** How long the token was on its way, in milliseconds; null for one that does not belong there. */
export function travelTime(token: string, place: number): number | null {
  const value = Number(token);
  if (token.length !== TOKEN_LENGTH || Math.floor(value / TIMES) !== place % PLACES) return null;
  return ((now() - (value % TIMES) + TIMES) % TIMES) / 100;
}
