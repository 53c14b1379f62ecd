import type { Configuration } from '../config/configuration.js';
import type { Logger } from '../telemetry/log.js';
import { Channels } from './channels.redis.js';
import { connectClients, isPermanent, RedisUnreachableError, type RedisClient } from './connect.redis.js';

/** How often connections are pinged, so that a connection without a reply is noticed; see `socketTimeout`. */
const PING_INTERVAL_MS = 5_000;

/**
 * A connection to Redis 7 or later, a single server or a Cluster, which is detected. It holds what instances share and
 * can afford to lose. While Redis is unreachable `isReady` returns false and commands fail immediately; the connection
 * recovers by itself.
 */
export class RedisConnection implements AsyncDisposable {
  readonly #pings: NodeJS.Timeout;

  private constructor(
    readonly client: RedisClient,
    private readonly subscriber: RedisClient,
    /** The prefix of all keys and channels, so that other applications can use the same Redis. */
    readonly prefix: string,
    readonly channels: Channels,
  ) {
    const ping = () => [client, subscriber].forEach((each) => void each.ping().catch(() => {}));
    this.#pings = setInterval(ping, PING_INTERVAL_MS).unref();
  }

  /** @throws RedisUnreachableError with a message that says what to do. */
  static async open({ url, prefix }: NonNullable<Configuration['redis']>, log: Logger): Promise<RedisConnection> {
    const clients = await connectClients(url);
    for (const client of clients) logAvailability(client, log);
    const [client, subscriber] = clients;
    await assertMayUseChannels(client, subscriber, `${prefix}check`).catch((error: unknown) => {
      clients.forEach((each) => each.disconnect());
      throw error;
    });
    return new RedisConnection(client, subscriber, prefix, new Channels(subscriber, log));
  }

  async isReady(): Promise<boolean> {
    return (await this.client.ping().catch(() => null)) === 'PONG';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#pings);
    const clients = [this.client, this.subscriber];
    await Promise.all(clients.map((client) => client.quit().catch(() => client.disconnect())));
  }
}

/** Logs once when Redis becomes unreachable and once when it is available again. */
function logAvailability(client: RedisClient, log: Logger): void {
  let isAvailable = true;
  client.on('error', (error: Error) => {
    if (isAvailable) log.warn({ reason: error.message }, 'Redis is unreachable; continuing without it.');
    isAvailable = false;
  });
  client.on('ready', () => {
    if (!isAvailable) log.info('Redis is available again.');
    isAvailable = true;
  });
}

/** @throws RedisUnreachableError if the user may use keys but not channels: instances would not receive messages. */
async function assertMayUseChannels(client: RedisClient, subscriber: RedisClient, channel: string): Promise<void> {
  try {
    await subscriber.ssubscribe(channel);
    await client.spublish(channel, '');
    await subscriber.sunsubscribe(channel);
  } catch (error) {
    const { message } = error as Error;
    if (!isPermanent(message)) return;
    throw new RedisUnreachableError(
      `Redis refuses access to channels (${message}): grant \`allchannels\` to the user in REDIS_URL.`,
    );
  }
}
