/** The parts of `pg`, whose types do not come along, that are used here. */
interface PoolClient {
  release: (destroy?: boolean) => void;
  once(event: 'end', listener: () => void): void;
  connection: { stream: { setTimeout(ms: number, listener: () => void): void; destroy(error: Error): void } };
}
export interface Pool {
  on(event: 'connect' | 'acquire', listener: (client: PoolClient) => void): void;
  on(event: 'release', listener: (error: unknown, client: PoolClient) => void): void;
}

/**
 * Gives lost connections back to the pool. Kysely keeps the connection of a transaction until commit or rollback have
 * succeeded, which they never do on one that is lost: each would take a place in the pool for ever.
 */
export function reclaimLostConnections(pool: Pool): void {
  const taken = new Set<PoolClient>();
  pool.on('acquire', (client) => taken.add(client));
  pool.on('release', (_error, client) => taken.delete(client));
  pool.on('connect', (client) =>
    client.once('end', () =>
      // After whoever waits for the connection has been told: most give it back by themselves.
      setImmediate(() => {
        if (taken.has(client)) client.release(true);
      }),
    ),
  );
}

/**
 * Cuts connections that have been silent for so many milliseconds. The server ends each statement before that time
 * (statement_timeout), so it has stopped or cannot be reached: without this a query would wait until TCP gives up.
 */
export function cutSilentConnections(pool: Pool, patience: number): void {
  pool.on('connect', ({ connection: { stream } }) => {
    const error = Object.assign(new Error('The database has not answered for too long.'), { code: 'ETIMEDOUT' });
    stream.setTimeout(patience, () => stream.destroy(error));
  });
}
