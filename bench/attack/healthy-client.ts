import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface HealthyFigures {
  queries: number;
  medianMs: number;
  p95Ms: number;
  maxMs: number;
  /** The error codes of the queries that failed. */
  failures: string[];
}

export interface HealthyOptions {
  url: string;
  token: string;
  /** The server, to measure by the running clock. By default, a usual one measures. */
  pid?: number;
  /** After which a query counts as failed. Default: 10 s. */
  timeoutMs?: number;
}

/** A client that uses the server as it should, and measures how long it waits. */
export class HealthyClient implements AsyncDisposable {
  readonly #worker: Worker;

  constructor(options: HealthyOptions) {
    const workerData = options;
    this.#worker = new Worker(new URL('healthy-worker.js', import.meta.url), { workerData });
  }

  /** Stops and returns the figures. */
  async finish(): Promise<HealthyFigures> {
    this.#worker.postMessage('finish');
    const [figures] = (await once(this.#worker, 'message')) as [HealthyFigures];
    return figures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
