import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Configuration } from '../config/configuration.js';
import type { Logger } from '../telemetry/log.js';
import { Channels } from './channels.redis.js';

export type RedisClient = Redis | Cluster;
type RedisConfiguration = NonNullable<Configuration['redis']>;

/** How long a command may take, in milliseconds: whoever waits for it does better without than late. */
const COMMAND_TIMEOUT = 2_000;
const CONNECT_TIMEOUT = 5_000;

/** A connection that answers nothing for so long is left for a new one, in milliseconds; and how often it is asked. */
const SILENCE = 6_000;
const PING = 5_000;
const LONGEST_PAUSE = 2_000;

/** How long is waited for Redis when the server starts, in milliseconds. */
const PATIENCE = 10_000;

/** Nothing waits for a connection that is lost: commands fail at once, and are made good when it is back. */
const options = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  connectTimeout: CONNECT_TIMEOUT,
  commandTimeout: COMMAND_TIMEOUT,
  socketTimeout: SILENCE,
  keepAlive: 10_000,
  retryStrategy: pauseBefore,
} satisfies RedisOptions;

/** Thrown where Redis is not to be had when the server starts. */
export class RedisUnreachableError extends Error {}

/**
 * What instances share that is not worth a row: Redis 7 or later, a single one or a Cluster, which is found out by
 * asking. It may be lost at any time; then `isReady` is false, commands fail at once, and the connection comes back
 * by itself.
 */
export class RedisConnection implements AsyncDisposable {
  /** Without them, nobody would notice that the other side has vanished without a word. */
  readonly #pings: NodeJS.Timeout;

  private constructor(
    readonly client: RedisClient,
    private readonly subscriber: RedisClient,
    /** Before all keys and channels, so that a Redis can be shared with others. */
    readonly prefix: string,
    /** What is published on channels that this instance listens to. */
    readonly channels: Channels,
  ) {
    const ping = () => [client, subscriber].forEach((each) => void each.ping().catch(() => {}));
    this.#pings = setInterval(ping, PING).unref();
  }

  /** @throws RedisUnreachableError telling what to do. */
  static async open({ url, prefix }: RedisConfiguration, log: Logger): Promise<RedisConnection> {
    const clients = await connected(url);
    for (const client of clients) {
      let isLost = false;
      client.on('error', (error: Error) => {
        if (!isLost) log.warn({ reason: error.message }, 'Redis is out of reach; answers go on without it.');
        isLost = true;
      });
      client.on('ready', () => {
        if (isLost) log.info('Redis is back.');
        isLost = false;
      });
    }
    const [client, subscriber] = clients;
    await assertChannels(client, subscriber, `${prefix}check`).catch((error: unknown) => {
      clients.forEach((each) => each.disconnect());
      throw error;
    });
    return new RedisConnection(client, subscriber, prefix, new Channels(subscriber, log));
  }

  /** Whether Redis answers. */
  async isReady(): Promise<boolean> {
    return (await this.client.ping().catch(() => null)) === 'PONG';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#pings);
    const clients = [this.client, this.subscriber];
    await Promise.all(clients.map((client) => client.quit().catch(() => client.disconnect())));
  }
}

/** @throws RedisUnreachableError where the user may use keys but no channels: then instances would not hear each other. */
async function assertChannels(client: RedisClient, subscriber: RedisClient, channel: string): Promise<void> {
  try {
    await subscriber.ssubscribe(channel);
    await client.spublish(channel, '');
    await subscriber.sunsubscribe(channel);
  } catch (error) {
    const { message } = error as Error;
    if (!isFinal(message)) return;
    throw new RedisUnreachableError(`Redis refuses channels (${message}): give the user of REDIS_URL \`allchannels\`.`);
  }
}

/** One client for commands, and one that is subscribed: on that connection there can be nothing else. */
async function connected(url: string): Promise<[RedisClient, RedisClient]> {
  const began = Date.now();
  for (;;) {
    const clients = [new Redis(url, options), new Redis(url, options)] as const;
    // It tells why a connection is lost; what a command is told then is only that it is.
    let reason: Error | null = null;
    clients.forEach((client) => client.on('error', (error: Error) => (reason = error)));
    try {
      await Promise.all(clients.map((client) => client.connect()));
      if (!(await isCluster(clients[0]))) return [...clients];
      clients.forEach((client) => client.disconnect());
      return await connectedCluster(clients[0].options);
    } catch (error) {
      clients.forEach((client) => client.disconnect());
      const { message } = (reason ?? error) as Error;
      if (Date.now() - began >= PATIENCE || isFinal(message))
        throw new RedisUnreachableError(`Redis is out of reach (${message}): look at REDIS_URL.`);
      await sleep(LONGEST_PAUSE / 4);
    }
  }
}

async function connectedCluster({ host, port, username, password, tls }: RedisOptions): Promise<[Cluster, Cluster]> {
  const { commandTimeout, connectTimeout, socketTimeout, keepAlive } = options;
  const clients = [false, true].map(
    (shardedSubscribers) =>
      new Cluster([{ host: host!, port: port! }], {
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: pauseBefore,
        shardedSubscribers,
        redisOptions: { username, password, tls, commandTimeout, connectTimeout, socketTimeout, keepAlive },
      }),
  ) as [Cluster, Cluster];
  clients.forEach((client) => client.on('error', () => {}));
  try {
    await Promise.all(clients.map(ready));
    return clients;
  } catch (error) {
    clients.forEach((client) => client.disconnect());
    throw error;
  }
}

/** What `connect` returns never settles where a Cluster is not whole yet; the event comes all the same. */
function ready(client: Cluster): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error('the Cluster is not ready')), PATIENCE);
    client.once('ready', () => {
      clearTimeout(deadline);
      resolve();
    });
    client.connect().catch(() => {});
  });
}

const isCluster = async (client: Redis): Promise<boolean> =>
  (await client.info('cluster')).includes('cluster_enabled:1');

function pauseBefore(attempt: number): number {
  return Math.min(50 * 2 ** attempt, LONGEST_PAUSE) * (0.75 + Math.random() / 2);
}

/** Waiting helps against a Redis that is not up yet, not against a wrong password. */
const isFinal = (message: string): boolean => /NOAUTH|WRONGPASS|NOPERM/.test(message);
