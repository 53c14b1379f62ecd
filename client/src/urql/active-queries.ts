import { makeOperation, type Client, type Exchange, type ExchangeIO, type Operation } from '@urql/core';
import { findRootField } from '../caches/root-field.js';

type Operations = Parameters<ExchangeIO>[0];

/** The requests of a query that have not ended. */
interface Reads {
  pending: number;
  /** When the request began whose result was delivered last. */
  deliveredAt: number;
  isOutdated: boolean;
}

/**
 * The queries that are shown. When their data are outdated, they are read again and keep what they show until the result
 * has arrived: a cached list that is invalidated would vanish meanwhile.
 */
export class ActiveQueries {
  readonly #operations = new Map<number, Operation>();
  readonly #reads = new Map<number, Reads>();
  readonly #outdated = new Set<number>();
  #client: Client | null = null;
  #time = 0;

  /** Comes before the cache. */
  readonly exchange: Exchange = ({ client, forward }) => {
    this.#client = client;
    return (operations) => forward(this.#watch(operations));
  };

  /** Reads the newest pages again of the lists of conversations, and of one conversation. @param id null: of all */
  refresh(id: string | null): void {
    for (const operation of this.#operations.values()) if (showsNewest(operation, id)) this.#refresh(operation.key);
  }

  /** Begins a request of a query. Its results must be delivered only if `isNewest()`: a later request may have been faster. */
  begin(key: number) {
    const reads = this.#reads.get(key) ?? { pending: 0, deliveredAt: 0, isOutdated: false };
    this.#reads.set(key, reads);
    reads.pending += 1;
    const begunAt = (this.#time += 1);
    let hasEnded = false;
    return {
      isNewest: (): boolean => {
        if (reads.deliveredAt > begunAt) return false;
        reads.deliveredAt = begunAt;
        return true;
      },
      end: (): void => {
        if (hasEnded) return;
        hasEnded = true;
        reads.pending -= 1;
        if (reads.pending > 0) return;
        this.#reads.delete(key);
        if (reads.isOutdated) this.#refresh(key);
      },
    };
  }

  #refresh(key: number): void {
    const reads = this.#reads.get(key);
    // The request may have been answered before the change.
    if (reads) reads.isOutdated = true;
    else this.#outdated.add(key);
    // Later, because the cache first has to show the result that it is storing.
    if (this.#outdated.size === 1) setTimeout(() => this.#readOutdated());
  }

  #readOutdated(): void {
    const keys = [...this.#outdated];
    this.#outdated.clear();
    for (const key of keys) {
      const operation = this.#operations.get(key);
      if (operation)
        this.#client?.reexecuteOperation(makeOperation('query', operation, { requestPolicy: 'network-only' }));
    }
  }

  #watch(operations: Operations): Operations {
    return (sink) =>
      operations((signal) => {
        // A signal of Wonka, urql's library of streams, that has a value. 0 is the end.
        if (typeof signal === 'object' && typeof signal[0] === 'object') this.#track(signal[0]);
        sink(signal);
      });
  }

  #track(operation: Operation): void {
    if (operation.kind === 'query') this.#operations.set(operation.key, operation);
    else if (operation.kind === 'teardown') this.#operations.delete(operation.key);
  }
}

/** Whether the query reads what changes: the lists, and the newest messages of the conversation. */
function showsNewest({ query, variables }: Operation, id: string | null): boolean {
  const { after, before } = variables as { after?: unknown; before?: unknown };
  if (after != null || before != null) return false;
  if (findRootField(query, variables as Record<string, unknown>, 'conversations')) return true;
  const conversation = findRootField(query, variables as Record<string, unknown>, 'conversation');
  return conversation !== null && (id === null || conversation['id'] === id);
}
