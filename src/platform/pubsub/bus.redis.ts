import { randomUUID } from 'node:crypto';
import type { RedisConnection } from '../redis/connection.redis.js';
import { MemoryBus, type Bus, type Topic } from './bus.js';

interface Envelope {
  from: string;
  message: unknown;
}

/**
 * For any number of instances. Whoever listens in the publisher's own process is told at once, with or without Redis;
 * the others through a channel for each topic.
 */
export class RedisBus implements Bus {
  readonly #here = new MemoryBus();
  readonly #instance = randomUUID();
  readonly #listening = new Set<string>();

  constructor(private readonly redis: RedisConnection) {}

  publish<T>(topic: Topic<T>, message: T): void {
    this.#here.publish(topic, message);
    const envelope: Envelope = { from: this.#instance, message };
    this.redis.client.spublish(this.#channelOf(topic), JSON.stringify(envelope)).catch(() => {});
  }

  subscribe<T>(topic: Topic<T>, handler: (message: T) => void): Disposable {
    this.#listen(topic);
    return this.#here.subscribe(topic, handler);
  }

  /** A channel stays open once somebody has listened to its topic: there are few, and most are listened to always. */
  #listen<T>(topic: Topic<T>): void {
    if (this.#listening.has(topic.name)) return;
    this.#listening.add(topic.name);
    void this.redis.channels.listen(this.#channelOf(topic), (text) => {
      const { from, message } = JSON.parse(text) as Envelope;
      if (from !== this.#instance) this.#here.publish(topic, message as T);
    });
  }

  #channelOf({ name }: Topic<unknown>): string {
    return `${this.redis.prefix}bus:${name}`;
  }
}
