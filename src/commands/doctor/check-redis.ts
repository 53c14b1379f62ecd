import type { Configuration } from '../../platform/config/configuration.js';
import { RedisUnreachableError } from '../../platform/redis/connect.redis.js';
import { RedisConnection } from '../../platform/redis/connection.redis.js';
import type { Logger } from '../../platform/telemetry/log.js';
import type { Finding } from '../finding.js';

const SUBJECT = 'Redis';
const MIN_VERSION = 7;

/** Checks that Redis is reachable and grants what is needed. */
export async function checkRedis(redis: Configuration['redis'], log: Logger): Promise<Finding> {
  if (!redis) return { subject: SUBJECT, state: 'skipped', text: 'not set: one instance' };
  try {
    await using connection = await RedisConnection.open(redis, log);
    const version = /redis_version:(\S+)/.exec(await connection.client.info('server'))?.[1] ?? '0';
    if (Number.parseInt(version, 10) < MIN_VERSION)
      return { subject: SUBJECT, state: 'failed', text: `version ${version}: upgrade to ${MIN_VERSION} or later` };
    return { subject: SUBJECT, state: 'ok', text: `version ${version}` };
  } catch (error) {
    if (!(error instanceof RedisUnreachableError)) throw error;
    return { subject: SUBJECT, state: 'failed', text: error.message };
  }
}
