import { collectDefaultMetrics, Counter, Gauge, Histogram, register, Registry } from 'prom-client';

/** Bounds of the histograms, in seconds. */
const REQUEST_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const MODEL_BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * What an instance tells Prometheus. Labels come from what is known here, never from what a client wrote: there would
 * be no end of them, and they would hold what is nobody else's business.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #own = { registers: [this.#registry] };
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  readonly requestSeconds = new Histogram({
    ...this.#own,
    name: 'parley_http_request_seconds',
    help: 'From a request at /graphql until its response was handed over.',
    labelNames: ['status'],
    buckets: REQUEST_BOUNDS,
  });

  readonly modelCalls = new Counter({
    ...this.#own,
    name: 'parley_model_calls_total',
    help: 'Calls of the provider that ended, retries within one not counted. The outcome is ok, aborted or what went wrong.',
    labelNames: ['purpose', 'outcome'],
  });

  readonly modelSeconds = new Histogram({
    ...this.#own,
    name: 'parley_model_call_seconds',
    help: 'How long a call of the provider took, retries included.',
    labelNames: ['purpose'],
    buckets: MODEL_BOUNDS,
  });

  readonly firstTextSeconds = new Histogram({
    ...this.#own,
    name: 'parley_model_first_text_seconds',
    help: 'From asking the provider for an answer to its first text, retries included.',
    buckets: MODEL_BOUNDS,
  });

  readonly modelTokens = new Counter({
    ...this.#own,
    name: 'parley_model_tokens_total',
    help: 'Tokens, as the provider reported them. The kind is prompt or completion.',
    labelNames: ['purpose', 'kind'],
  });

  /** Adds what is read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      ...this.#own,
      name,
      help,
      collect() {
        this.set(read());
      },
    });
  }

  /** In Prometheus's text format. */
  async text(): Promise<string> {
    collectProcess();
    return await Registry.merge([this.#registry, register]).metrics();
  }
}

let isCollected = false;

/** CPU, memory, event loop and garbage collection: the process's, not a server's. Who is never asked never measures. */
function collectProcess(): void {
  if (!isCollected) collectDefaultMetrics();
  isCollected = true;
}
