import { ValueType, type HrTime } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  InstrumentType,
  type CollectionResult,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Metrics } from './metrics.js';

type Value = MetricValue<string> & { metricName?: string };

/** Exports the metrics of /metrics, so that each is defined once. */
export class PrometheusProducer implements MetricProducer {
  readonly #startTime = millisToHrTime(performance.timeOrigin);

  constructor(
    private readonly metrics: Metrics,
    private readonly resource: Resource,
    private readonly version: string,
  ) {}

  async collect(): Promise<CollectionResult> {
    const endTime = millisToHrTime(Date.now());
    const metrics = (await this.metrics.read()).flatMap((metric) => this.#convert(metric, endTime));
    const scopeMetrics = [{ scope: { name: 'parley', version: this.version }, metrics }];
    return { resourceMetrics: { resource: this.resource, scopeMetrics }, errors: [] };
  }

  #convert(metric: MetricObjectWithValues<MetricValue<string>>, endTime: HrTime): MetricData[] {
    const times = { startTime: this.#startTime, endTime };
    const { name, help } = metric;
    const values: Value[] = metric.values;
    const base = { aggregationTemporality: AggregationTemporality.CUMULATIVE };
    const describe = (type: InstrumentType) => ({
      descriptor: { name, description: help, unit: '', type, valueType: ValueType.DOUBLE, advice: {} },
    });
    const points = () => values.map(({ labels, value }) => ({ ...times, attributes: { ...labels }, value }));
    // prom-client declares the type as an enum, but it is a text.
    switch (String(metric.type)) {
      case 'counter':
        return [
          {
            ...base,
            ...describe(InstrumentType.COUNTER),
            dataPointType: DataPointType.SUM,
            isMonotonic: true,
            dataPoints: points(),
          },
        ];
      case 'gauge':
        return [
          { ...base, ...describe(InstrumentType.GAUGE), dataPointType: DataPointType.GAUGE, dataPoints: points() },
        ];
      case 'histogram':
        return [
          {
            ...base,
            ...describe(InstrumentType.HISTOGRAM),
            dataPointType: DataPointType.HISTOGRAM,
            dataPoints: toHistograms(name, values).map((point) => ({ ...times, ...point })),
          },
        ];
      default:
        return [];
    }
  }
}

/** Prometheus counts a value in its bucket and in all larger ones; OpenTelemetry only in its bucket. */
function toHistograms(
  name: string,
  values: readonly Value[],
): { attributes: Record<string, string>; value: Histogram }[] {
  const groups = new Map<
    string,
    { attributes: Record<string, string>; buckets: [number, number][]; sum: number; count: number }
  >();
  for (const { labels, value, metricName } of values) {
    const { le, ...rest } = labels as Record<string, string | number>;
    const attributes = Object.fromEntries(Object.entries(rest).map(([key, label]) => [key, String(label)]));
    const key = JSON.stringify(attributes);
    const group = groups.get(key) ?? { attributes, buckets: [], sum: 0, count: 0 };
    groups.set(key, group);
    if (metricName === `${name}_sum`) group.sum = value;
    else if (metricName === `${name}_count`) group.count = value;
    else group.buckets.push([le === '+Inf' ? Infinity : Number(le), value]);
  }
  return [...groups.values()].map(({ attributes, buckets, sum, count }) => {
    buckets.sort(([a], [b]) => a - b);
    return {
      attributes,
      value: {
        sum,
        count,
        buckets: {
          boundaries: buckets.map(([boundary]) => boundary).filter(Number.isFinite),
          counts: buckets.map(([, counted], i) => counted - (buckets[i - 1]?.[1] ?? 0)),
        },
      },
    };
  });
}
