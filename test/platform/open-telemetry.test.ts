import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AskQuestionDocument } from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number; doubleValue?: number };
}

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Attribute[];
}

interface Metric {
  name: string;
  sum?: { dataPoints: object[] };
  histogram?: { dataPoints: { count: number; bucketCounts: number[]; explicitBounds: number[] }[] };
}

/** Receives OTLP over HTTP as JSON. */
class Collector implements AsyncDisposable {
  readonly bodies: { path: string; text: string }[] = [];
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      this.bodies.push({ path: request.url!, text: Buffer.concat(parts).toString() });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });

  static async start(): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get spans(): Span[] {
    return this.#read('/v1/traces').flatMap((body) =>
      (body as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }) => spans),
    );
  }

  get metrics(): Metric[] {
    return this.#read('/v1/metrics').flatMap((body) =>
      (body as { resourceMetrics: { scopeMetrics: { metrics: Metric[] }[] }[] }).resourceMetrics
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ metrics }) => metrics),
    );
  }

  #read(path: string): unknown[] {
    return this.bodies.filter((body) => body.path === path).map(({ text }) => JSON.parse(text) as unknown);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const get = (span: Span, name: string) => {
  const value = span.attributes.find(({ key }) => key === name)?.value;
  return value?.stringValue ?? value?.intValue ?? value?.doubleValue;
};

test('traces go from the request to the provider call and the database, without content', async () => {
  await using collector = await Collector.start();
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const lookUpTraceId = '1bf7651916cd43dd8448eb211c80319c';
  const askedOverSocket = 'Another unmistakable question';
  {
    await using server = await TestServer.start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const jane = await server.user();
    jane.http.setHeader('traceparent', `00-${traceId}-b7ad6b7169203331-01`);
    await jane.ask('An unmistakable question', { stream: false });
    jane.http.setHeader('traceparent', `00-${lookUpTraceId}-b7ad6b7169203331-01`);
    const taken = server.provider.takeCall();
    const asked = jane.ask('A question with a look-up', { stream: false });
    const withLookUp = await taken;
    const next = server.provider.takeCall();
    withLookUp.toolCall('an unmistakable name', {});
    withLookUp.finish('tool_calls', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 });
    const answering = await next;
    answering.delta('No.');
    FakeProvider.done(answering);
    await asked;
    await jane.requestOverSocket(
      'mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { answer { id } } }',
      {
        input: { question: askedOverSocket, stream: false },
      },
    );
    await server.settled();
  }
  const ofTrace = (id: string) => collector.spans.filter((span) => span.traceId === id);
  const spans = ofTrace(traceId);
  const find = (name: string | RegExp, among = spans) =>
    among.find((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)))!;
  const [request, field] = [find('POST /graphql'), find('Mutation.askQuestion')];
  const call = spans.find((span) => span.name.startsWith('chat ') && get(span, 'parley.purpose') === 'answer')!;
  expect(request.parentSpanId).toBe('b7ad6b7169203331');
  expect(get(request, 'http.response.status_code')).toBe(200);
  expect(field.parentSpanId).toBe(request.spanId);
  expect(call.parentSpanId).toBe(field.spanId);
  expect(get(call, 'gen_ai.usage.input_tokens')).toBe(11);
  expect(get(find(/^insert messages$/), 'db.collection.name')).toBe('messages');
  expect(get(find('execute_tool unknown', ofTrace(lookUpTraceId)), 'parley.outcome')).toBe('invalid');
  expect(spans.filter(({ name }) => name.startsWith('chat ')).map((span) => get(span, 'parley.purpose'))).toEqual(
    expect.arrayContaining(['answer', 'conversation_title']),
  );
  // Over the WebSocket, which has no trace of its own.
  const traces = collector.spans.filter(({ name }) => name === 'Mutation.askQuestion').map((span) => span.traceId);
  expect(new Set(traces).size).toBe(3);
  const exported = collector.bodies.map(({ text }) => text).join('');
  for (const secret of ['unmistakable', 'example.com', 'Bearer', 'You asked']) expect(exported).not.toContain(secret);
});

test('the metrics of /metrics are exported', async () => {
  await using collector = await Collector.start();
  {
    await using server = await TestServer.start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const jane = await server.user();
    await jane.ask('A question', { stream: false });
    await server.settled();
  }
  const names = collector.metrics.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['parley_model_calls_total', 'parley_answers_running', 'process_cpu_seconds_total']),
  );
  // If there are several instances, only one has answered.
  const point = collector.metrics
    .filter(({ name }) => name === 'parley_model_first_text_seconds')
    .flatMap(({ histogram }) => histogram!.dataPoints)
    .find(({ count }) => count > 0);
  expect(point!.count).toBe(1);
  expect(point!.bucketCounts.reduce((sum, count) => sum + count)).toBe(1);
  expect(point!.bucketCounts).toHaveLength(point!.explicitBounds.length + 1);
});

test('an unreachable collector changes nothing but a line in the log', async () => {
  const collector = await Collector.start();
  const { url } = collector;
  await collector[Symbol.asyncDispose]();
  const server = await TestServer.start({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
  const jane = await server.user();
  await jane.ask('A question', { stream: false });
  expect(await jane.getErrorCode(AskQuestionDocument, { input: { question: ' ' } })).toBe('BAD_USER_INPUT');
  await server[Symbol.asyncDispose]();
  await until(() => server.logged.some((line) => line.includes('Could not export telemetry')));
});
