import type { Logger } from '../telemetry/log.js';
import { repeat } from '../jobs/repeat.js';
import type { EntityManager, Orm } from './orm.js';
import { inTransaction } from './transaction.js';

const INTERVAL_MS = 15_000;

/** Pages of the index that one step merges, so that other queries do not wait. About a megabyte. */
const PAGES_PER_STEP = 256;

/**
 * Removes deleted text from the files of a SQLite database. `secure_delete` overwrites deleted rows, but their words stay
 * in the full-text index, which only marks its entries as deleted, and their pages in the write-ahead log.
 */
export class SqlitePurge implements Disposable {
  /** A purge may have been due when the previous process ended. */
  #isDue = true;
  #isDisposed = false;
  readonly #timer = repeat(INTERVAL_MS, () => this.#runIfDue());

  constructor(
    private readonly orm: Orm,
    private readonly log: Logger,
  ) {}

  /** Runs a purge within a minute. Call it after the commit of a deletion. */
  schedule(): void {
    this.#isDue = true;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#timer[Symbol.dispose]();
  }

  async #runIfDue(): Promise<void> {
    if (!this.#isDue) return;
    this.#isDue = false;
    try {
      await this.#mergeIndex();
      // Not complete while another process reads: the log contains what that process still needs.
      const [result] = await this.orm.em.fork().execute<{ busy: number }[]>('pragma wal_checkpoint(truncate)');
      if (result?.busy !== 0) this.#isDue = true;
    } catch (error) {
      this.#isDue = true;
      if (!this.#isDisposed) this.log.warn({ err: error }, 'Could not remove deleted text from the database files.');
    }
  }

  /** A complete merge leaves out the deleted entries. https://www.sqlite.org/fts5.html#the_merge_command */
  async #mergeIndex(): Promise<void> {
    // A negative number starts a merge of all segments; positive ones continue it.
    let hasChanged = await this.#merge(-PAGES_PER_STEP);
    while (hasChanged && !this.#isDisposed) hasChanged = await this.#merge(PAGES_PER_STEP);
  }

  async #merge(pages: number): Promise<boolean> {
    return await inTransaction(this.orm.em.fork(), async (tx) => {
      const before = await countChanges(tx);
      await tx.execute(`insert into search (search, rank) values ('merge', ${pages})`);
      // The command itself counts as one change.
      return (await countChanges(tx)) - before >= 2;
    });
  }
}

async function countChanges(em: EntityManager): Promise<number> {
  const [row] = await em.execute<{ n: number }[]>('select total_changes() as n');
  return row!.n;
}
