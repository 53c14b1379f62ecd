import type { IncomingHttpHeaders } from 'node:http';

/** Facts about a span. They never contain what users write, or who they are. */
export type SpanAttributes = Record<string, string | number | boolean | undefined>;

export interface SpanOptions {
  kind: 'server' | 'client' | 'internal';
  attributes?: SpanAttributes;
  /** The headers of the request that caused the span, with its W3C trace context. */
  headers?: IncomingHttpHeaders;
}

/** Something that has ended. */
export interface EndedSpan {
  attributes: SpanAttributes;
  durationMs: number;
  hasFailed: boolean;
}

/** Creates the spans of traces. A span belongs to the one in which it is created, also across asynchronous calls. */
export interface Tracing {
  /**
   * Runs `work` in a span, which has failed if `work` rejects.
   * @param work receives a function that adds attributes to the span
   */
  run<T>(
    name: string,
    options: SpanOptions,
    work: (add: (attributes: SpanAttributes) => void) => Promise<T>,
  ): Promise<T>;
  /** Records a span that has ended, if there is one that it belongs to. */
  record(name: string, span: EndedSpan): void;
}

/** Without OTEL_EXPORTER_OTLP_ENDPOINT. */
export const noTracing: Tracing = {
  run: (_name, _options, work) => work(() => {}),
  record: () => {},
};
