import { entities } from '../../entities.js';
import type { Configuration } from '../../platform/config/configuration.js';
import { openConnection } from '../../platform/db/database.js';
import { createNodeFetch } from '../../platform/model/node-fetch.js';
import { RedisConnection } from '../../platform/redis/connection.redis.js';
import type { Logger } from '../../platform/telemetry/log.js';
import type { Finding } from '../finding.js';

const SUBJECT = 'Clock';
const PROVIDER_TIMEOUT_MS = 10_000;

/** The base URL of the SDK. */
const OPENAI_URL = 'https://api.openai.com/v1';

/** Instances of one database must agree on the time within the duration of a lease. */
const MAX_DIFFERENCE_MS = 3_000;

/** Compares the clock with those of PostgreSQL, Redis and the provider, as far as they can be reached. */
export async function checkClock(config: Configuration, log: Logger): Promise<Finding> {
  const clocks = [
    ['PostgreSQL', readDatabaseClock],
    ['Redis', readRedisClock],
    ['the provider', readProviderClock],
  ] as const;
  const differences: [string, number][] = [];
  for (const [name, read] of clocks) {
    const before = Date.now();
    // The other checks report what cannot be reached.
    const time = await read(config, log).catch(() => null);
    if (time !== null) differences.push([name, time - (before + Date.now()) / 2]);
  }
  if (differences.length === 0) return { subject: SUBJECT, state: 'skipped', text: 'nothing to compare it with' };
  const describe = ([name, ms]: [string, number]) => `${(Math.abs(ms) / 1000).toFixed(1)} s from that of ${name}`;
  const wrong = differences.filter(([, ms]) => Math.abs(ms) > MAX_DIFFERENCE_MS);
  if (wrong.length === 0) return { subject: SUBJECT, state: 'ok', text: differences.map(describe).join(', ') };
  return { subject: SUBJECT, state: 'failed', text: `${wrong.map(describe).join(', ')}: synchronize it with NTP` };
}

async function readDatabaseClock({ database }: Configuration): Promise<number | null> {
  if (database.dialect !== 'postgresql') return null;
  await using orm = await openConnection(database, entities);
  const [row] = await orm.em
    .fork()
    .execute<{ ms: string }[]>('select extract(epoch from clock_timestamp()) * 1000 as ms');
  return Number(row!.ms);
}

async function readRedisClock({ redis }: Configuration, log: Logger): Promise<number | null> {
  if (!redis) return null;
  await using connection = await RedisConnection.open(redis, log);
  const [seconds, microseconds] = await connection.client.time();
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

/** The Date header has a resolution of one second. */
async function readProviderClock({ provider }: Configuration): Promise<number | null> {
  if (!provider) return null;
  const http = createNodeFetch(provider.proxy);
  try {
    const signal = AbortSignal.timeout(PROVIDER_TIMEOUT_MS);
    const response = await http.fetch(provider.baseUrl ?? OPENAI_URL, { method: 'HEAD', signal });
    const date = response.headers.get('date');
    return date === null ? null : Date.parse(date) + 500;
  } finally {
    http[Symbol.dispose]();
  }
}
