import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseBearerToken } from '../../platform/graphql/bearer-token.js';
import type { Metrics } from '../../platform/telemetry/metrics.js';

/** Measures a request until its response has been sent or its client has disconnected. Event streams are not measured. */
export function measureRequest(metrics: Metrics, response: ServerResponse): void {
  const end = metrics.requestSeconds.startTimer();
  response.once('close', () => {
    if (String(response.getHeader('content-type')).startsWith('text/event-stream')) return;
    end({ status: response.writableFinished ? response.statusCode : 'aborted' });
  });
}

/** Serves /metrics. @param token the required bearer token (RFC 6750); null when access is public */
export async function serveMetrics(
  metrics: Metrics,
  token: string | null,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (token !== null && !isEqual(parseBearerToken(request.headers.authorization) ?? '', token)) {
    const headers = { 'content-type': 'text/plain', 'www-authenticate': 'Bearer' };
    return void response.writeHead(401, headers).end('Send METRICS_TOKEN as a bearer token.\n');
  }
  const text = await metrics.text();
  response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text);
}

/** Compares in constant time; the hashes have equal lengths, as timingSafeEqual requires. */
function isEqual(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}
