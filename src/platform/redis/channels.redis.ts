import type { Logger } from '../telemetry/log.js';
import type { RedisClient } from './connection.redis.js';

/** Before a channel that was refused is asked for again, in milliseconds. */
const PAUSE = 1_000;

/**
 * The channels that this instance listens to, by sharded publish and subscribe, which scales with a Cluster and is the
 * same on a single Redis. They are subscribed to again whenever the connection is back; what was published meanwhile
 * is lost.
 */
export class Channels {
  readonly #handlers = new Map<string, (message: string) => void>();

  constructor(
    private readonly client: RedisClient,
    private readonly log: Logger,
  ) {
    client.on('smessage', (channel: string, message: string) => {
      try {
        this.#handlers.get(channel)?.(message);
      } catch (error) {
        log.error({ err: error, channel }, 'A message on a channel of ours made no sense.');
      }
    });
    client.on('ready', () => {
      for (const channel of this.#handlers.keys()) void this.#subscribe(channel);
    });
  }

  /**
   * Listens to a channel that nobody here listens to yet. Resolves when it does; while Redis is out of reach at once,
   * and it listens once it is back.
   */
  async listen(channel: string, handler: (message: string) => void): Promise<AsyncDisposable> {
    this.#handlers.set(channel, handler);
    await this.#subscribe(channel);
    return {
      [Symbol.asyncDispose]: async () => {
        // Somebody may have begun to listen anew while this one was on its way out.
        if (this.#handlers.get(channel) !== handler) return;
        this.#handlers.delete(channel);
        await this.client.sunsubscribe(channel).catch(() => {});
      },
    };
  }

  async #subscribe(channel: string): Promise<void> {
    try {
      await this.client.ssubscribe(channel);
    } catch (error) {
      // Otherwise that is made good once the connection is back.
      if (this.client.status !== 'ready') return;
      this.log.warn({ err: error, channel }, 'A channel of Redis cannot be listened to yet.');
      setTimeout(() => this.#handlers.has(channel) && void this.#subscribe(channel), PAUSE).unref();
    }
  }
}
