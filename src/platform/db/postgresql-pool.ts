/** The part of `pg` that is used here. The package has no types of its own. */
export interface PoolClient {
  query(text: string): Promise<unknown>;
  release: (destroy?: boolean) => void;
  once(event: 'end', listener: () => void): void;
  connection: { stream: { setTimeout(ms: number, listener: () => void): void; destroy(error: Error): void } };
}
export interface Pool {
  on(event: 'connect' | 'acquire', listener: (client: PoolClient) => void): void;
  on(event: 'release', listener: (error: unknown, client: PoolClient) => void): void;
}

/**
 * Returns lost connections to the pool. Kysely releases the connection of a transaction only after a successful commit
 * or rollback. On a lost connection both fail, so it would occupy a slot of the pool for ever.
 */
export function releaseLostConnections(pool: Pool): void {
  const acquired = new Set<PoolClient>();
  pool.on('acquire', (client) => acquired.add(client));
  pool.on('release', (_error, client) => acquired.delete(client));
  pool.on('connect', (client) =>
    client.once('end', () =>
      // Later, because the code that uses the connection usually releases it when its query fails.
      setImmediate(() => {
        if (acquired.has(client)) client.release(true);
      }),
    ),
  );
}

/**
 * Closes connections on which nothing arrives for `timeoutMs`. That is longer than statement_timeout, so the server has
 * stopped or is unreachable; otherwise a query would wait until TCP times out.
 */
export function closeSilentConnections(pool: Pool, timeoutMs: number): void {
  pool.on('connect', ({ connection: { stream } }) => {
    const error = Object.assign(new Error('The database did not respond in time.'), { code: 'ETIMEDOUT' });
    stream.setTimeout(timeoutMs, () => stream.destroy(error));
  });
}
