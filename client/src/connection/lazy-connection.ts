import type { Connection } from './direct-connection.js';

/** A connection whose code is still being loaded. */
export class LazyConnection implements Connection {
  #isClosed = false;

  constructor(private readonly loading: Promise<Connection>) {}

  subscribe(...[payload, sink]: Parameters<Connection['subscribe']>): () => void {
    let unsubscribe: (() => void) | null = null;
    let isEnded = false;
    this.loading.then(
      (connection) => {
        if (!isEnded && !this.#isClosed) unsubscribe = connection.subscribe(payload, sink);
      },
      (error: unknown) => {
        if (!isEnded) sink.error(error);
      },
    );
    return () => {
      isEnded = true;
      unsubscribe?.();
    };
  }

  close(): void {
    this.#isClosed = true;
    this.loading.then(
      (connection) => connection.close(),
      () => {},
    );
  }
}
