/**
 * A token of the benchmark contains its position in the answer and the time when it was sent. So a reader can check the
 * order and compute the latency.
 */
export const TOKEN_LENGTH = 12;
const PLACES = 1e4;
const TIMES = 1e8;

/** Returns units of 10 µs of the monotonic clock, which all processes share, modulo 1,000 seconds. */
function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1e5 + Math.floor(nanoseconds / 1e4)) % TIMES;
}

export const createToken = (place: number): string =>
  String((place % PLACES) * TIMES + now()).padStart(TOKEN_LENGTH, '0');

/** Returns the latency of the token in milliseconds, or null if it has another position. */
export function getTravelTime(token: string, place: number): number | null {
  const value = Number(token);
  if (token.length !== TOKEN_LENGTH || Math.floor(value / TIMES) !== place % PLACES) return null;
  return ((now() - (value % TIMES) + TIMES) % TIMES) / 100;
}
