/** What tests use of postgres.mjs. */
export declare class PostgresProcess implements AsyncDisposable {
  static start(options?: { settings?: string[]; detached?: boolean }): Promise<PostgresProcess>;
  readonly url: string;
  start(): Promise<void>;
  stop(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
