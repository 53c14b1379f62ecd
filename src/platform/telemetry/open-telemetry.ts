import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { defaultTextMapGetter, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context } from '@opentelemetry/api';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { waitAtMost } from '../lifecycle/wait-at-most.js';
import type { Logger } from './log.js';
import type { Metrics } from './metrics.js';
import { PrometheusProducer } from './prometheus-producer.js';
import type { EndedSpan, SpanAttributes, SpanOptions, Tracing } from './tracing.js';

const EXPORT_TIMEOUT_MS = 5_000;

/** How often failed exports are logged at most. */
const WARNING_INTERVAL_MS = 60_000;

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL };

export interface OpenTelemetryOptions {
  /** The base URL of the collector. */
  endpoint: string;
  version: string;
  metrics: Metrics;
  log: Logger;
}

/**
 * Exports traces and metrics by OTLP over HTTP. Nothing is registered globally, so a process may have several. Only
 * create-platform.ts imports this file, and only if an endpoint is set.
 */
export class OpenTelemetry implements Tracing, AsyncDisposable {
  readonly #contexts = new AsyncLocalStorage<Context>();
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #traces: BasicTracerProvider;
  readonly #meters: MeterProvider;
  readonly #tracer;

  constructor({ endpoint, version, metrics, log }: OpenTelemetryOptions) {
    setGlobalErrorHandler(createErrorHandler(log));
    const resource = defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': 'parley',
          'service.version': version,
          'service.instance.id': randomUUID(),
        }),
      )
      // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
      .merge(detectResources({ detectors: [envDetector] }));
    const base = endpoint.replace(/\/$/, '');
    const traces = new OTLPTraceExporter({ url: `${base}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS });
    this.#traces = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(traces)] });
    this.#tracer = this.#traces.getTracer('parley', version);
    const exporter = new OTLPMetricExporter({ url: `${base}/v1/metrics`, timeoutMillis: EXPORT_TIMEOUT_MS });
    const metricProducers = [new PrometheusProducer(metrics, resource, version)];
    this.#meters = new MeterProvider({
      resource,
      readers: [new PeriodicExportingMetricReader({ exporter, metricProducers })],
    });
  }

  async run<T>(
    name: string,
    { kind, attributes, headers }: SpanOptions,
    work: (add: (attributes: SpanAttributes) => void) => Promise<T>,
  ): Promise<T> {
    const parent = headers
      ? this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
      : (this.#contexts.getStore() ?? ROOT_CONTEXT);
    const span = this.#tracer.startSpan(name, { kind: KINDS[kind], attributes }, parent);
    try {
      return await this.#contexts.run(trace.setSpan(parent, span), work, (more: SpanAttributes) =>
        span.setAttributes(more),
      );
    } catch (error) {
      // Not the message, which may contain values.
      span.setAttribute('error.type', getType(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  record(name: string, { attributes, durationMs, hasFailed }: EndedSpan): void {
    const parent = this.#contexts.getStore();
    if (!parent) return;
    const endTime = Date.now();
    const span = this.#tracer.startSpan(
      name,
      { kind: SpanKind.CLIENT, attributes, startTime: endTime - durationMs },
      parent,
    );
    if (hasFailed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endTime);
  }

  /** Exports what remains. The server does not wait for a collector that is unreachable. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.allSettled([this.#traces.shutdown(), this.#meters.shutdown()]);
    await waitAtMost(EXPORT_TIMEOUT_MS, closed);
  }
}

/** The code that clients see, or the class. */
function getType(error: unknown): string {
  const { code, extensions } = error as { code?: unknown; extensions?: { code?: unknown } };
  const type = extensions?.code ?? code ?? (error as object | null)?.constructor.name;
  return typeof type === 'string' ? type : 'unknown';
}

function createErrorHandler(log: Logger): (error: unknown) => void {
  let loggedAt = -Infinity;
  return (error) => {
    if (Date.now() - loggedAt < WARNING_INTERVAL_MS) return;
    loggedAt = Date.now();
    log.warn({ err: error }, 'Could not export telemetry: check OTEL_EXPORTER_OTLP_ENDPOINT.');
  };
}
