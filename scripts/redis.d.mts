/** An empty Redis on a free port of the loopback interface. */
export class RedisServer {
  static start(options?: { detached?: boolean }): Promise<RedisServer>;
  readonly url: string;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}
