import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '../lifecycle/backoff.js';
import type { EntityManager } from './orm.js';

const MAX_ATTEMPTS = 5;

const BACKOFF = { initialMs: 40, maxMs: 200 };

/** SQLSTATE codes of serialization_failure and deadlock_detected. */
const CONFLICTS = ['40001', '40P01'];

/**
 * Runs `work` in a transaction. It may run more than once: PostgreSQL aborts one of two transactions in a deadlock. Each
 * attempt has a fork of its own, so that it does not see what the failed attempt read. The isolation level is READ
 * COMMITTED on PostgreSQL, and SQLite has one writer at a time. Lock the rows that a decision depends on.
 */
export async function inTransaction<T>(em: EntityManager, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await runInTransaction(em.fork(), work);
    } catch (error) {
      if (attempt + 1 === MAX_ATTEMPTS || !isConflict(error)) throw error;
      await sleep(backoff(attempt, BACKOFF));
    }
  }
}

/**
 * Does what `transactional` of the ORM does for a fork that nothing else uses, without a further fork whose entities are
 * then moved, and without an asynchronous context, since forks are passed explicitly.
 */
async function runInTransaction<T>(em: EntityManager, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  try {
    return await em.getConnection().transactional(async (transaction) => {
      em.setTransactionContext(transaction);
      const result = await work(em);
      await em.flush();
      return result;
    });
  } finally {
    em.resetTransactionContext();
  }
}

const isConflict = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && CONFLICTS.includes(error.code as string);
