import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  register,
  Registry,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client';

/** Histogram buckets, in seconds. */
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const MODEL_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * The Prometheus metrics of an instance. Label values are never taken from client input: it would create an unlimited
 * number of time series and could expose private data.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #options = { registers: [this.#registry] };
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  readonly requestSeconds = new Histogram({
    ...this.#options,
    name: 'parley_http_request_seconds',
    help: 'Duration of requests to /graphql, until the response was sent.',
    labelNames: ['status'],
    buckets: REQUEST_BUCKETS,
  });

  readonly graphqlErrors = new Counter({
    ...this.#options,
    name: 'parley_graphql_errors_total',
    help: 'Errors of operations, by their code.',
    labelNames: ['code'],
  });

  readonly modelCalls = new Counter({
    ...this.#options,
    name: 'parley_model_calls_total',
    help: 'Finished provider calls; a call with retries counts once. The outcome is ok, aborted or an error code.',
    labelNames: ['purpose', 'outcome'],
  });

  readonly modelSeconds = new Histogram({
    ...this.#options,
    name: 'parley_model_call_seconds',
    help: 'Duration of provider calls, including retries.',
    labelNames: ['purpose'],
    buckets: MODEL_BUCKETS,
  });

  readonly firstTextSeconds = new Histogram({
    ...this.#options,
    name: 'parley_model_first_text_seconds',
    help: 'Time from a provider call for an answer to its first text, including retries.',
    buckets: MODEL_BUCKETS,
  });

  readonly modelTokens = new Counter({
    ...this.#options,
    name: 'parley_model_tokens_total',
    help: 'Tokens reported by the provider. The kind is prompt or completion.',
    labelNames: ['purpose', 'kind'],
  });

  readonly learnedCapabilities = new Counter({
    ...this.#options,
    name: 'parley_provider_capabilities_learned_total',
    help: 'Capabilities of the provider that turned out to differ from what is assumed.',
    labelNames: ['capability'],
  });

  readonly providerFallbacks = new Counter({
    ...this.#options,
    name: 'parley_provider_fallbacks_total',
    help: 'Calls that the fallback provider received because the provider failed.',
  });

  readonly droppedCalls = new Counter({
    ...this.#options,
    name: 'parley_background_calls_dropped_total',
    help: 'Calls for titles and metadata that were ended because an answer needed their place; they are made again.',
  });

  readonly toolCalls = new Counter({
    ...this.#options,
    name: 'parley_tool_calls_total',
    help: 'Look-ups of models that ended. The tools of an MCP server are one.',
    labelNames: ['tool', 'outcome'],
  });

  readonly toolSeconds = new Histogram({
    ...this.#options,
    name: 'parley_tool_call_seconds',
    help: 'Duration of look-ups.',
    labelNames: ['tool'],
    buckets: REQUEST_BUCKETS,
  });

  readonly productsShown = new Counter({
    ...this.#options,
    name: 'parley_products_shown_total',
    help: 'Products of the catalogue that answers have shown.',
  });

  readonly unverifiedClaims = new Counter({
    ...this.#options,
    name: 'parley_unverified_claims_total',
    help: 'Prices in finished answers that nothing which the model was given confirms.',
  });

  /** Registers a gauge that calls `read` at each scrape. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      ...this.#options,
      name,
      help,
      collect() {
        this.set(read());
      },
    });
  }

  /** Returns all metrics, for another format. */
  async read(): Promise<MetricObjectWithValues<MetricValue<string>>[]> {
    collectProcessMetrics();
    return await Registry.merge([this.#registry, register]).getMetricsAsJSON();
  }

  /** Returns all metrics in Prometheus's text format. */
  async text(): Promise<string> {
    collectProcessMetrics();
    return await Registry.merge([this.#registry, register]).metrics();
  }
}

let collectsProcessMetrics = false;

/** Starts to collect CPU, memory, event loop and garbage collection, once per process and not before the first scrape. */
function collectProcessMetrics(): void {
  if (!collectsProcessMetrics) collectDefaultMetrics();
  collectsProcessMetrics = true;
}
