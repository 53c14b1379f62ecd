import DataLoader from 'dataloader';
import type { Reader } from '../db/find-page.js';
import type { EntityManager } from '../db/orm.js';
import type { QueryTarget } from '../db/prepared-query.js';
import { QueryTooComplexError } from '../errors/api-error.js';
import type { Logger } from '../telemetry/log.js';

/**
 * The number of rows that the lists of one operation may read. The cost rule sees only page sizes that are literals in
 * the document; this budget also counts those from variables and defaults.
 */
const MAX_ROWS = 10_000;

/** The client of a request. */
export interface Client {
  requestId: string;
  /** The IP address, as reported by trusted proxies. */
  address: string;
  /** The User-Agent header. */
  userAgent: string | null;
  /** The Accept-Language header. */
  acceptLanguage: string | null;
  /** Returns false when the client has disconnected. */
  isConnected: () => boolean;
}

/** The signed-in user who makes a request. */
export interface Viewer extends Client {
  userId: string;
  sessionId: string;
  /** The version of the access token. Tokens with a lower version than the session's are revoked. */
  tokenVersion: number;
  role: string;
  /** When the access token expires. */
  expiresAt: Date;
}

/** Where a request comes from. All operations of a WebSocket share one origin. */
export interface RequestOrigin extends Client {
  /** The Authorization header, or the connection parameter of a WebSocket. */
  authorization: string | null;
  /** The URL under which the client reaches the server, such as https://chat.example.com, for links in responses. */
  baseUrl: string;
}

/** Finds the rows of several keys with one query, in the order of the keys. */
export type BatchFind<K, V> = (em: EntityManager, keys: readonly K[]) => Promise<readonly V[]>;

/** Does the same with a prepared query. */
export type PreparedBatchFind<K, V> = (db: QueryTarget, keys: readonly K[]) => Promise<readonly V[]>;

export interface ContextServices {
  /** For prepared queries outside transactions. */
  db: QueryTarget;
  fork: () => EntityManager;
  authenticate: (db: QueryTarget, authorization: string | null) => Promise<Omit<Viewer, keyof Client>>;
  /** Returns whether the header has an access token that was issued here and has not expired. Reads nothing. */
  hasValidToken: (authorization: string | null) => boolean;
  /** Returns the instance of a resolver class. */
  resolver: <T extends object>(type: new (...args: never[]) => T) => T;
  log: Logger;
  /** The size of the result of an operation, or of an event of a subscription, in bytes. */
  maxResultBytes: number;
}

/**
 * The context of resolvers. Each operation, and each event of a subscription, has its own. Its state is in private
 * instead of #private fields, because Apollo Server uses a shallow copy of it, which lacks the latter.
 */
export class RequestContext {
  private rows = 0;
  private bytes = 0;
  private ownEm: EntityManager | undefined;
  private knownViewer: Promise<Viewer> | undefined;
  private knownUserId: string | null = null;
  /** Created on first use, like `em`. */
  private loaders: Map<unknown, DataLoader<unknown, unknown>> | undefined;

  constructor(
    readonly origin: RequestOrigin,
    private readonly services: ContextServices,
  ) {}

  get requestId(): string {
    return this.origin.requestId;
  }

  /** The client's address and user agent, and the id of its request. */
  get client(): Client {
    return this.origin;
  }

  /** Whether the client has an access token that was issued here and has not expired; its session may have ended. */
  get hasValidToken(): boolean {
    return this.services.hasValidToken(this.origin.authorization);
  }

  get log(): Logger {
    return this.services.log;
  }

  /** Runs prepared queries, without an EntityManager. */
  get db(): QueryTarget {
    return this.services.db;
  }

  /** This operation's EntityManager. Created on first use, because most events of a subscription do not need it. */
  get em(): EntityManager {
    return (this.ownEm ??= this.services.fork());
  }

  /** @throws UnauthenticatedError */
  viewer(): Promise<Viewer> {
    return (this.knownViewer ??= this.authenticate());
  }

  private async authenticate(): Promise<Viewer> {
    const user = await this.services.authenticate(this.db, this.origin.authorization);
    this.knownUserId = user.userId;
    const { requestId, address, userAgent, acceptLanguage, isConnected } = this.client;
    return { ...user, requestId, address, userAgent, acceptLanguage, isConnected };
  }

  /** The signed-in user if a resolver has authenticated them. */
  get currentViewer(): Promise<Viewer> | undefined {
    return this.knownViewer;
  }

  /** The id of the signed-in user if a resolver has authenticated them. */
  get userId(): string | null {
    return this.knownUserId;
  }

  resolver<T extends object>(type: new (...args: never[]) => T): T {
    return this.services.resolver(type);
  }

  /** Returns what `findPage` reads with. */
  reader(): Reader {
    const getEm = () => this.em;
    return {
      db: this.db,
      get em() {
        return getEm();
      },
      spend: (rows) => this.spend(rows),
    };
  }

  /**
   * Takes rows of a list from the operation's budget before they are read.
   * @throws QueryTooComplexError when the budget is exceeded, for example by nested lists
   */
  spend(rows: number): void {
    this.rows += rows;
    if (this.rows > MAX_ROWS) throw new QueryTooComplexError('The query reads too many rows.');
    this.spendBytes(0);
  }

  /** The size of an operation's result, in bytes. */
  get maxBytes(): number {
    return this.services.maxResultBytes;
  }

  /** The size of the result so far. Strings count by their length in UTF-16 code units. */
  get spentBytes(): number {
    return this.bytes;
  }

  /**
   * Takes a field of the result, with a value of this size, from the operation's budget.
   * @throws QueryTooComplexError when the budget is exceeded
   */
  spendBytes(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.services.maxResultBytes) throw new QueryTooComplexError('The result is too large.');
  }

  /** Loads by key; all keys requested in one turn of the event loop share a query. */
  load<K, V>(find: BatchFind<K, V>, key: K): Promise<V> {
    return this.loader<K, V>(find, (keys) => find(this.em, keys)).load(key);
  }

  /** Does the same with a prepared query. */
  loadRows<K, V>(find: PreparedBatchFind<K, V>, key: K): Promise<V> {
    return this.loader<K, V>(find, (keys) => find(this.db, keys)).load(key);
  }

  private loader<K, V>(find: unknown, findAll: (keys: readonly K[]) => Promise<readonly V[]>): DataLoader<K, V> {
    this.loaders ??= new Map();
    let loader = this.loaders.get(find) as DataLoader<K, V> | undefined;
    if (!loader) {
      loader = new DataLoader<K, V>(findAll);
      this.loaders.set(find, loader);
    }
    return loader;
  }

  /** Releases what was read, for a subscription, which keeps its context for as long as it lasts. */
  clear(): void {
    this.ownEm = this.knownViewer = this.loaders = undefined;
  }

  /** Returns a context of the same request without what this one has read, for the next event of a subscription. */
  recreate(): RequestContext {
    return new RequestContext(this.origin, this.services);
  }
}
