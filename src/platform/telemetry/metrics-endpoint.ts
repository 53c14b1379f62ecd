import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerTokenOf } from '../http/bearer-token.js';
import type { Metrics } from './metrics.js';

/** Answers with the metrics. @param token wanted as a bearer token (RFC 6750); null where everybody may read them */
export async function serveMetrics(
  metrics: Metrics,
  token: string | null,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (token !== null && !isSame(bearerTokenOf(request.headers.authorization) ?? '', token)) {
    const headers = { 'content-type': 'text/plain', 'www-authenticate': 'Bearer' };
    return void response.writeHead(401, headers).end('Give METRICS_TOKEN as a bearer token.\n');
  }
  const text = await metrics.text();
  response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text);
}

/** In a time that does not tell how much of it is right. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}
