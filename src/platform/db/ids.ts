import { randomFillSync } from 'node:crypto';
import { v7, validate } from 'uuid';

/** A call for random bytes costs as much as ten ids, so many are requested at once. */
const POOL_SIZE = 4_096;
const BYTES = 16;

const pool = new Uint8Array(POOL_SIZE);
let used = POOL_SIZE;
let lastTime = 0;
/** Counts the ids of one millisecond, from a random number. */
let sequence = 0;

/** Creates a UUIDv7 (RFC 9562). Ids created one after the other are adjacent in an index. */
export function newId(): string {
  if (used === POOL_SIZE) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, (used += BYTES));
  const now = Date.now();
  if (now > lastTime) {
    lastTime = now;
    // 31 bits, so that it can grow.
    sequence = ((random[6]! & 0x7f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!;
  } else {
    sequence = (sequence + 1) | 0;
    if (sequence === 0) lastTime += 1;
  }
  return v7({ random, msecs: lastTime, seq: sequence });
}

/**
 * Returns whether the text has the form of an id. Only such a text may reach a query, since PostgreSQL rejects others.
 * It must be lower-case: SQLite compares ids as text, but PostgreSQL ignores their case.
 */
export const isId = (text: string): boolean => validate(text) && text === text.toLowerCase();
