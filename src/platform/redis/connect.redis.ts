import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { backoff } from '../lifecycle/backoff.js';

export type RedisClient = Redis | Cluster;

/** A client for commands, and one for subscriptions: a connection that is subscribed accepts no other commands. */
export type ClientPair = [commands: RedisClient, subscriber: RedisClient];

/** Callers can do without Redis, so a late reply is worse than none. */
const COMMAND_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** A connection without a reply for this time is replaced; pings are more frequent. */
const SOCKET_TIMEOUT_MS = 6_000;

/** How long the server waits for Redis at start. */
const START_TIMEOUT_MS = 10_000;

const BACKOFF = { initialMs: 100, maxMs: 2_000 };

/** @param attempt counted from 1 */
const retryStrategy = (attempt: number): number => backoff(attempt - 1, BACKOFF);

/** While a connection is lost, commands fail immediately instead of being queued. */
const options = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  connectTimeout: CONNECT_TIMEOUT_MS,
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SOCKET_TIMEOUT_MS,
  keepAlive: 10_000,
  retryStrategy,
} satisfies RedisOptions;

/** Redis cannot be used when the server starts. */
export class RedisUnreachableError extends Error {}

/**
 * Connects to a single Redis or to a Cluster, retrying until Redis is up.
 * @throws RedisUnreachableError after the timeout, or immediately if retrying cannot help.
 */
export async function connectClients(url: string): Promise<ClientPair> {
  const startedAt = Date.now();
  for (let attempt = 0; ; attempt += 1) {
    const clients = [new Redis(url, options), new Redis(url, options)] as const;
    // The event has the reason why a connection fails; the rejected command only says that it is closed.
    let reason: Error | null = null;
    clients.forEach((client) => client.on('error', (error: Error) => (reason = error)));
    try {
      await Promise.all(clients.map((client) => client.connect()));
      if (!(await isCluster(clients[0]))) return [...clients];
      clients.forEach((client) => client.disconnect());
      return await connectCluster(clients[0].options);
    } catch (error) {
      clients.forEach((client) => client.disconnect());
      const { message } = (reason ?? error) as Error;
      if (Date.now() - startedAt >= START_TIMEOUT_MS || isPermanent(message))
        throw new RedisUnreachableError(`Redis is unreachable (${message}): check REDIS_URL.`);
      await sleep(backoff(attempt, BACKOFF));
    }
  }
}

async function connectCluster({ host, port, username, password, tls }: RedisOptions): Promise<ClientPair> {
  const { commandTimeout, connectTimeout, socketTimeout, keepAlive } = options;
  const clients = [false, true].map(
    (shardedSubscribers) =>
      new Cluster([{ host: host!, port: port! }], {
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: retryStrategy,
        shardedSubscribers,
        redisOptions: { username, password, tls, commandTimeout, connectTimeout, socketTimeout, keepAlive },
      }),
  ) as [Cluster, Cluster];
  clients.forEach((client) => client.on('error', () => {}));
  try {
    await Promise.all(clients.map(waitUntilReady));
    return clients;
  } catch (error) {
    clients.forEach((client) => client.disconnect());
    throw error;
  }
}

/** Waits for the event: the promise of `connect` never settles while a Cluster is incomplete. */
function waitUntilReady(client: Cluster): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the Cluster is not ready')), START_TIMEOUT_MS);
    client.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
    client.connect().catch(() => {});
  });
}

const isCluster = async (client: Redis): Promise<boolean> =>
  (await client.info('cluster')).includes('cluster_enabled:1');

/** Returns whether an error remains until an operator corrects the credentials or permissions. */
export const isPermanent = (message: string): boolean => /NOAUTH|WRONGPASS|NOPERM/.test(message);
