import DataLoader from 'dataloader';
import type { EntityManager } from '../db/database.js';
import { MOST_ROWS, QueryTooComplexError } from './limits.js';
import type { Logger } from '../telemetry/log.js';

/** The signed-in user, as far as a request needs to know. */
export interface Viewer {
  userId: string;
  sessionId: string;
  role: string;
  /** When the access token expires. */
  expiresAt: Date;
}

/** Where a request comes from. A socket's operations share one origin. */
export interface RequestOrigin {
  requestId: string;
  /** The Authorization header, or a socket's connection parameter. */
  authorization: string | null;
  userAgent: string | null;
  /** The client's, as far as trusted proxies tell. */
  address: string;
}

/** Finds the rows of many keys in one query, in the order of the keys. */
export type BatchFind<K, V> = (em: EntityManager, keys: readonly K[]) => Promise<readonly V[]>;

export interface ContextServices {
  fork: () => EntityManager;
  authenticate: (em: EntityManager, authorization: string | null) => Promise<Viewer>;
  /** The instance that serves a resolver class. */
  resolver: <T extends object>(type: new (...args: never[]) => T) => T;
  log: Logger;
}

/**
 * What resolvers see: made anew for each operation, and for each event of a subscription. Its state is in plain fields,
 * since Apollo Server works with a shallow copy of it, which has no #private ones.
 */
export class RequestContext {
  private rows = 0;
  private ownEm: EntityManager | undefined;
  private knownViewer: Promise<Viewer> | undefined;
  private readonly loaders = new Map<unknown, DataLoader<unknown, unknown>>();

  constructor(
    readonly origin: RequestOrigin,
    private readonly services: ContextServices,
  ) {}

  get requestId(): string {
    return this.origin.requestId;
  }

  /** Who is calling, as far as the connection tells. */
  get client(): { address: string; userAgent: string | null } {
    return this.origin;
  }

  get log(): Logger {
    return this.services.log;
  }

  /** An EntityManager of this operation's own. Made at first use: most events of a subscription need none. */
  get em(): EntityManager {
    return (this.ownEm ??= this.services.fork());
  }

  /** @throws UnauthenticatedError */
  viewer(): Promise<Viewer> {
    return (this.knownViewer ??= this.services.authenticate(this.em, this.origin.authorization));
  }

  resolver<T extends object>(type: new (...args: never[]) => T): T {
    return this.services.resolver(type);
  }

  /** For reading lists. */
  reader(): { em: EntityManager; spend: (rows: number) => void } {
    return { em: this.em, spend: (rows) => this.spend(rows) };
  }

  /**
   * Counts rows of lists against the operation's budget, before they are read.
   * @throws QueryTooComplexError when it is spent: lists inside of lists multiply.
   */
  spend(rows: number): void {
    this.rows += rows;
    if (this.rows > MOST_ROWS) throw new QueryTooComplexError('The query reads too many rows.');
  }

  /** Loads by key, all keys that are asked for in one turn with a single query. */
  load<K, V>(find: BatchFind<K, V>, key: K): Promise<V> {
    let loader = this.loaders.get(find) as DataLoader<K, V> | undefined;
    if (!loader) {
      loader = new DataLoader<K, V>((keys) => find(this.em, keys));
      this.loaders.set(find, loader);
    }
    return loader.load(key);
  }

  /** Lets go of what was read: for a subscription, which lives on after it has begun. */
  forget(): void {
    this.ownEm = this.knownViewer = undefined;
    this.loaders.clear();
  }

  /** The same request, with nothing of what this context has read: for a subscription's next event. */
  fresh(): RequestContext {
    return new RequestContext(this.origin, this.services);
  }
}
