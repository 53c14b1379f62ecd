import type { Viewer } from '../../platform/graphql/context.js';

interface Connection {
  sessionId: string;
  tokenVersion: number;
  close: () => void;
  /** Closes the connection when its access token expires, or when it is retired for too long. */
  expiry: NodeJS.Timeout;
  /** The answers that the connection follows. */
  answers: number;
  /** It closes when it follows no answer any more. */
  isRetired: boolean;
}

/** A connection until it is disposed of. */
export interface OpenConnection extends Disposable {
  /** Counts an answer that the connection follows until the result is disposed of. */
  followAnswer: () => Disposable;
}

/** How long a retired connection may follow an answer. */
const MAX_RETIREMENT_MS = 15 * 60_000;

/** How long the last event or response has to be sent before the connection closes. */
const LAST_EVENT_MS = 1_000;

/**
 * The open WebSockets and event streams by session. They are closed when their access token expires or is revoked, or their
 * session ends.
 */
export class Connections implements Disposable {
  readonly #bySession = new Map<string, Set<Connection>>();

  /** @param close closes the connection so that the client reconnects with a fresh token; called at most once */
  add({ sessionId, tokenVersion, expiresAt }: Viewer, close: () => void): OpenConnection {
    const connection: Connection = {
      sessionId,
      tokenVersion,
      close,
      expiry: setTimeout(() => this.#close(connection), expiresAt.getTime() - Date.now()),
      answers: 0,
      isRetired: false,
    };
    const connections = this.#bySession.get(sessionId) ?? new Set();
    this.#bySession.set(sessionId, connections.add(connection));
    return {
      followAnswer: () => this.#followAnswer(connection),
      [Symbol.dispose]: () => this.#remove(connection),
    };
  }

  /** The number of open connections. */
  get size(): number {
    return [...this.#bySession.values()].reduce((sum, connections) => sum + connections.size, 0);
  }

  /** The sessions that have open connections. */
  get sessionIds(): string[] {
    return [...this.#bySession.keys()];
  }

  /** Closes the connections of the sessions. Those that are retired already stay open until their answers end. */
  closeSessions(sessionIds: readonly string[]): void {
    for (const connection of this.#findAll(sessionIds)) if (!connection.isRetired) this.#close(connection);
  }

  /** Closes the connections of the sessions: those that follow answers when these are finished. */
  retireSessions(sessionIds: readonly string[]): void {
    for (const connection of this.#findAll(sessionIds)) {
      if (connection.answers === 0) this.#close(connection);
      else {
        connection.isRetired = true;
        this.#closeAfter(connection, MAX_RETIREMENT_MS);
      }
    }
  }

  /**
   * Closes the connections that use an older access token of the session, after the response with the new tokens, which one
   * of them may have requested, has been sent.
   */
  closeRevoked({ sessionId, tokenVersion }: { sessionId: string; tokenVersion: number }): void {
    for (const connection of this.#findAll([sessionId]))
      if (connection.tokenVersion < tokenVersion) this.#closeAfter(connection, LAST_EVENT_MS);
  }

  /**
   * Closes the connections of these sessions whose access token is not valid any more.
   * @param validVersions the versions of the access tokens that are valid; sessions that have ended are missing
   */
  closeOutdated(sessionIds: readonly string[], validVersions: ReadonlyMap<string, number>): void {
    this.closeSessions(sessionIds.filter((id) => !validVersions.has(id)));
    for (const [sessionId, tokenVersion] of validVersions) this.closeRevoked({ sessionId, tokenVersion });
  }

  [Symbol.dispose](): void {
    for (const connection of this.#findAll(this.sessionIds)) this.#close(connection);
  }

  #findAll(sessionIds: readonly string[]): Connection[] {
    return sessionIds.flatMap((id) => [...(this.#bySession.get(id) ?? [])]);
  }

  #followAnswer(connection: Connection): Disposable {
    connection.answers += 1;
    let isFollowing = true;
    return {
      [Symbol.dispose]: () => {
        if (!isFollowing) return;
        isFollowing = false;
        connection.answers -= 1;
        if (connection.isRetired && connection.answers === 0) this.#closeAfter(connection, LAST_EVENT_MS);
      },
    };
  }

  #closeAfter(connection: Connection, milliseconds: number): void {
    if (!this.#bySession.get(connection.sessionId)?.has(connection)) return;
    clearTimeout(connection.expiry);
    connection.expiry = setTimeout(() => this.#close(connection), milliseconds);
  }

  #close(connection: Connection): void {
    this.#remove(connection);
    connection.close();
  }

  #remove(connection: Connection): void {
    clearTimeout(connection.expiry);
    const connections = this.#bySession.get(connection.sessionId);
    connections?.delete(connection);
    if (connections?.size === 0) this.#bySession.delete(connection.sessionId);
  }
}
