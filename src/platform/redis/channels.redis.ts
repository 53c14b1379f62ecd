import { backoff } from '../lifecycle/backoff.js';
import type { Logger } from '../telemetry/log.js';
import type { RedisClient } from './connect.redis.js';

/** Pauses after Redis has refused a subscription. */
const BACKOFF = { initialMs: 500, maxMs: 2_000 };

/**
 * The channels to which this instance is subscribed, by sharded publish and subscribe, which works the same on a single
 * Redis and on a Cluster. After a reconnection all channels are subscribed to again; messages published in between are
 * lost.
 */
export class Channels {
  readonly #handlers = new Map<string, (message: string) => void>();
  /** The latest subscription to each channel. */
  readonly #subscriptions = new Map<string, Promise<void>>();

  constructor(
    private readonly client: RedisClient,
    private readonly log: Logger,
  ) {
    client.on('smessage', (channel: string, message: string) => {
      try {
        this.#handlers.get(channel)?.(message);
      } catch (error) {
        log.error({ err: error, channel }, 'Could not handle a Redis message.');
      }
    });
    client.on('ready', () => {
      for (const channel of this.#handlers.keys()) void this.#open(channel);
    });
  }

  /**
   * Subscribes to a channel that has no handler yet. Resolves when the subscription is active, or immediately if Redis
   * is unreachable: it then becomes active after the reconnection.
   */
  async listen(channel: string, handler: (message: string) => void): Promise<AsyncDisposable> {
    this.#handlers.set(channel, handler);
    await this.#open(channel);
    return {
      [Symbol.asyncDispose]: async () => {
        // A new handler may have been set before this one is disposed of.
        if (this.#handlers.get(channel) !== handler) return;
        this.#handlers.delete(channel);
        this.#subscriptions.delete(channel);
        await this.client.sunsubscribe(channel).catch(() => {});
      },
    };
  }

  /** Resolves when the subscription to a channel is active, or immediately if Redis is unreachable. */
  async whenActive(channel: string): Promise<void> {
    await this.#subscriptions.get(channel);
  }

  #open(channel: string): Promise<void> {
    const subscription = this.#subscribe(channel);
    this.#subscriptions.set(channel, subscription);
    return subscription;
  }

  async #subscribe(channel: string, attempt = 0): Promise<void> {
    try {
      await this.client.ssubscribe(channel);
    } catch (error) {
      // Without a connection, the `ready` event subscribes again.
      if (this.client.status !== 'ready') return;
      this.log.warn({ err: error, channel }, 'Could not subscribe to a Redis channel; retrying.');
      const retry = () => this.#handlers.has(channel) && void this.#subscribe(channel, attempt + 1);
      setTimeout(retry, backoff(attempt, BACKOFF)).unref();
    }
  }
}
