import type { Viewer } from './context.js';

interface Connection {
  sessionId: string;
  close: () => void;
  expiry: NodeJS.Timeout;
}

/** The open sockets and event streams, by session: they are closed when their access token expires or their session ends. */
export class Connections implements Disposable {
  readonly #bySession = new Map<string, Set<Connection>>();

  /** @param close tells the client to come back with a fresh token; called at most once */
  add({ sessionId, expiresAt }: Viewer, close: () => void): Disposable {
    const connection: Connection = {
      sessionId,
      close,
      expiry: setTimeout(() => this.#cut(connection), expiresAt.getTime() - Date.now()),
    };
    const connections = this.#bySession.get(sessionId) ?? new Set();
    this.#bySession.set(sessionId, connections.add(connection));
    return { [Symbol.dispose]: () => this.#remove(connection) };
  }

  /** How many are open. */
  get size(): number {
    return [...this.#bySession.values()].reduce((sum, connections) => sum + connections.size, 0);
  }

  /** The sessions that they belong to. */
  get sessionIds(): string[] {
    return [...this.#bySession.keys()];
  }

  closeSessions(sessionIds: readonly string[]): void {
    for (const id of sessionIds) for (const connection of this.#bySession.get(id) ?? []) this.#cut(connection);
  }

  [Symbol.dispose](): void {
    this.closeSessions([...this.#bySession.keys()]);
  }

  #cut(connection: Connection): void {
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
