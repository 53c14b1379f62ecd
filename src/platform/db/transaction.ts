import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from './database.js';

const TRIES = 5;

/** How long the first pause is at most, in milliseconds; each further one may be as much longer. */
const PAUSE = 40;

/** SQLSTATE of serialization_failure and deadlock_detected: nothing is wrong with what was asked, but with the moment. */
const CONFLICTS = ['40001', '40P01'];

/**
 * Runs `work` in a transaction, on a fork of its own, so that a retry begins with nothing of what the failed try has
 * read: PostgreSQL ends one of two transactions that wait for each other. `work` may therefore run more than once.
 * Isolation is READ COMMITTED there, and SQLite's one writer at a time here: lock what you decide on.
 */
export async function inTransaction<T>(em: EntityManager, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await em.fork().transactional(work);
    } catch (error) {
      if (tried === TRIES || !isConflict(error)) throw error;
      await sleep(Math.random() * PAUSE * tried);
    }
  }
}

const isConflict = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && CONFLICTS.includes(error.code as string);
