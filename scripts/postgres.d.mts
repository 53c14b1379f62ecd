/** The part of postgres.mjs that tests and benchmarks use. */
export declare class PostgresProcess implements Disposable, AsyncDisposable {
  static start(options?: { settings?: string[]; detached?: boolean }): Promise<PostgresProcess>;
  readonly url: string;
  start(): Promise<void>;
  stop(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}
