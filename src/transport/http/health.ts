import type { ServerResponse } from 'node:http';
import { waitAtMost } from '../../platform/lifecycle/wait-at-most.js';

/** A check that takes longer has failed, so that the response is sent within two seconds. */
const CHECK_TIMEOUT_MS = 1_500;

/** What /readyz checks. */
export interface ReadinessChecks {
  isDraining: () => boolean;
  isDatabaseReachable: () => Promise<boolean>;
  /** Null when Redis is not configured. */
  isRedisReachable: (() => Promise<boolean>) | null;
  getProviderStatus: () => string;
}

/** Serves /healthz: the process is alive. */
export function serveLiveness(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
}

/**
 * Serves /readyz: 200 when the server accepts requests, otherwise 503, with the state of each part. The provider does not
 * count: without it everything works but answers, on every instance alike.
 */
export async function serveReadiness(response: ServerResponse, checks: ReadinessChecks): Promise<void> {
  const [database, redis] = await Promise.all([
    passesInTime(checks.isDatabaseReachable),
    checks.isRedisReachable && passesInTime(checks.isRedisReachable),
  ]);
  const status = checks.isDraining() ? 'draining' : database && redis !== false ? 'ready' : 'unavailable';
  const body = {
    status,
    database: describe(database),
    ...(redis === null ? {} : { redis: describe(redis) }),
    provider: checks.getProviderStatus(),
  };
  response.writeHead(status === 'ready' ? 200 : 503, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  });
  response.end(`${JSON.stringify(body)}\n`);
}

const describe = (isAvailable: boolean): string => (isAvailable ? 'ok' : 'unavailable');

async function passesInTime(check: () => Promise<boolean>): Promise<boolean> {
  let passed = false;
  await waitAtMost(
    CHECK_TIMEOUT_MS,
    check().then((result) => (passed = result)),
  );
  return passed;
}
