import type { Session } from '../session/session.js';
import type { Connection } from './direct-connection.js';
import { openConnection, type ConnectionOptions } from './open-connection.js';

/** The connection of the user who is signed in. It is closed when another user signs in. */
export class UserConnection implements Connection {
  readonly #stopWatching: () => void;
  #userId: string | null;
  #connection: Connection | null = null;

  constructor(
    private readonly session: Session,
    private readonly options: ConnectionOptions,
  ) {
    this.#userId = session.user?.id ?? null;
    this.#stopWatching = session.subscribe(() => {
      const userId = session.user?.id ?? null;
      if (userId === this.#userId) return;
      this.#userId = userId;
      this.#closeConnection();
    });
  }

  subscribe(...[payload, sink]: Parameters<Connection['subscribe']>): () => void {
    this.#connection ??= openConnection(this.session, this.options);
    return this.#connection.subscribe(payload, sink);
  }

  close(): void {
    this.#stopWatching();
    this.#closeConnection();
  }

  #closeConnection(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}
