import { randomUUID } from 'node:crypto';
import type { RedisConnection } from '../redis/connection.redis.js';
import { MemoryBus, type Bus, type Topic } from './bus.js';

interface Envelope {
  from: string;
  message: unknown;
}

/**
 * The bus of several instances. Subscribers in the publisher's process are called directly, even without Redis; other
 * instances receive the message through one Redis channel for each topic.
 */
export class RedisBus implements Bus {
  readonly #local = new MemoryBus();
  readonly #instanceId = randomUUID();
  readonly #channels = new Set<string>();

  constructor(private readonly redis: RedisConnection) {}

  publish<T>(topic: Topic<T>, message: T): void {
    this.#local.publish(topic, message);
    const envelope: Envelope = { from: this.#instanceId, message };
    this.redis.client.spublish(this.#getChannel(topic), JSON.stringify(envelope)).catch(() => {});
  }

  subscribe<T>(topic: Topic<T>, handler: (message: T) => void): Disposable {
    this.#listen(topic);
    return this.#local.subscribe(topic, handler);
  }

  async whenActive(topic: Topic<unknown>): Promise<void> {
    await this.redis.channels.whenActive(this.#getChannel(topic));
  }

  /** Channels stay open once they have been subscribed to: there are few topics, and most have permanent subscribers. */
  #listen<T>(topic: Topic<T>): void {
    const channel = this.#getChannel(topic);
    if (this.#channels.has(channel)) return;
    this.#channels.add(channel);
    void this.redis.channels.listen(channel, (text) => {
      const { from, message } = JSON.parse(text) as Envelope;
      if (from !== this.#instanceId) this.#local.publish(topic, message as T);
    });
  }

  #getChannel({ name }: Topic<unknown>): string {
    return `${this.redis.prefix}bus:${name}`;
  }
}
