import { setTimeout as sleep } from 'node:timers/promises';
import { CompiledQuery, SqliteAdapter, type DatabaseConnection, type Dialect, type Driver } from 'kysely';
import { backoff } from '../lifecycle/backoff.js';
import { isBusy, isStorageError } from './transient-sqlite-errors.js';

/** How long a statement or transaction waits in all while another process holds the write lock. */
const LOCK_TIMEOUT_MS = 5_000;

const BACKOFF = { initialMs: 10, maxMs: 200 };

/** Observes the database file. */
export interface SqliteObserver {
  /**
   * Called before each statement outside of transactions, and before each begin and commit. It throws if the database must
   * not be used.
   */
  onUse: () => void;
  /** The same for a statement that only reads. */
  onRead: () => void;
  /** Called when the storage fails. */
  onStorageError: () => void;
}

/**
 * Kysely's dialect for SQLite, with these differences:
 *
 * 1. If a transaction cannot begin or commit, the connection becomes free again. Kysely would keep it for ever.
 * 2. SQLite may roll back a transaction when the storage fails. Kysely would run its remaining statements without one.
 * 3. Transactions take the write lock when they begin, so a later statement cannot fail because of another process. If
 *    the lock is taken, others use the connection until the next attempt. SQLite would block the event loop instead.
 */
export const createSqliteDialect = (inner: Dialect, observer: SqliteObserver, turns: ConnectionTurns): Dialect => ({
  createDriver: () => new SingleConnectionDriver(inner.createDriver(), observer, turns),
  createAdapter: () => new Adapter(),
  createQueryCompiler: () => inner.createQueryCompiler(),
  createIntrospector: (db) => inner.createIntrospector(db),
});

/** The driver has its own queue for the connection. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class SingleConnectionDriver implements Driver {
  constructor(
    private readonly inner: Driver,
    private readonly observer: SqliteObserver,
    private readonly turns: ConnectionTurns,
  ) {}

  init(): Promise<void> {
    return this.inner.init();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const lease = new Lease(await this.inner.acquireConnection(), this.turns, this.observer);
    await lease.acquire();
    return lease;
  }

  async beginTransaction(lease: DatabaseConnection): Promise<void> {
    await (lease as Lease).begin();
  }

  async commitTransaction(lease: DatabaseConnection): Promise<void> {
    await (lease as Lease).commit();
  }

  async rollbackTransaction(lease: DatabaseConnection): Promise<void> {
    await (lease as Lease).rollback();
  }

  async releaseConnection(lease: DatabaseConnection): Promise<void> {
    (lease as Lease).release();
  }

  async savepoint(...args: Parameters<NonNullable<Driver['savepoint']>>): Promise<void> {
    await this.inner.savepoint!(...args);
  }

  async rollbackToSavepoint(...args: Parameters<NonNullable<Driver['rollbackToSavepoint']>>): Promise<void> {
    await this.inner.rollbackToSavepoint!(...args);
  }

  async releaseSavepoint(...args: Parameters<NonNullable<Driver['releaseSavepoint']>>): Promise<void> {
    await this.inner.releaseSavepoint!(...args);
  }

  destroy(): Promise<void> {
    return this.inner.destroy();
  }
}

/**
 * The exclusive use of the connection.
 *
 * - `autocommit`: each statement is its own transaction.
 * - `transaction`: between begin and commit or rollback.
 * - `failed`: the transaction was rolled back because the storage failed; only a rollback is accepted.
 */
class Lease implements DatabaseConnection {
  #state: 'autocommit' | 'transaction' | 'failed' = 'autocommit';
  #endTurn = (): void => {};

  constructor(
    private readonly connection: DatabaseConnection,
    private readonly turns: ConnectionTurns,
    private readonly observer: SqliteObserver,
  ) {}

  async acquire(): Promise<void> {
    this.#endTurn = await this.turns.begin();
  }

  /** Has no effect if the connection was released before. */
  release(): void {
    this.#endTurn();
  }

  async begin(): Promise<void> {
    try {
      await this.#retryWhileBusy(() => this.#execute('begin immediate'));
      this.#state = 'transaction';
    } catch (error) {
      // Kysely does not release a connection on which no transaction has begun.
      this.release();
      throw error;
    }
  }

  async commit(): Promise<void> {
    await this.#inTransaction(() => this.#execute('commit'));
    this.#state = 'autocommit';
  }

  async rollback(): Promise<void> {
    if (this.#state === 'transaction') await this.#rollBack();
    this.#state = 'autocommit';
  }

  async executeQuery<R>(query: CompiledQuery) {
    const execute = () => this.connection.executeQuery<R>(query);
    if (this.#state !== 'autocommit') return await this.#inTransaction(() => this.#observe(execute));
    return await this.#retryWhileBusy(() => this.#use(execute));
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number) {
    this.observer.onUse();
    yield* this.connection.streamQuery<R>(query, chunkSize);
  }

  /** Rolls back if the storage fails, whether or not SQLite has done so. */
  async #inTransaction<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state === 'failed') throw new Error('The transaction was rolled back because of an earlier error.');
    try {
      return await work();
    } catch (error) {
      if (isStorageError(error as Error)) {
        this.#state = 'failed';
        await this.#rollBack();
      }
      throw error;
    }
  }

  async #rollBack(): Promise<void> {
    // It fails only if SQLite has already rolled back.
    await this.connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => {});
  }

  async #retryWhileBusy<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error as Error) || performance.now() - startedAt > LOCK_TIMEOUT_MS) throw error;
      }
      this.release();
      await sleep(backoff(attempt, BACKOFF));
      await this.acquire();
    }
  }

  async #execute(sql: string): Promise<void> {
    await this.#use(() => this.connection.executeQuery(CompiledQuery.raw(sql)));
  }

  /** A statement within a transaction needs no check of its own: nothing takes effect before the commit. */
  async #use<T>(work: () => Promise<T>): Promise<T> {
    return await this.#observe(async () => {
      this.observer.onUse();
      return await work();
    });
  }

  async #observe<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isStorageError(error as Error)) this.observer.onStorageError();
      throw error;
    }
  }
}

/** Lets one caller at a time use the connection, in the order of their calls. */
export class ConnectionTurns {
  #last: Promise<void> = Promise.resolve();
  /** ConnectionTurns that have begun or wait. */
  #count = 0;

  /** Whether no transaction is open, and no statement waits. What runs synchronously then needs no turn. */
  get isFree(): boolean {
    return this.#count === 0;
  }

  /** Resolves when the earlier turns have ended, with a function that ends this one. It may be called again. */
  async begin(): Promise<() => void> {
    const previous = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    this.#count += 1;
    await previous;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#count -= 1;
      resolve();
    };
  }
}
