import { randomUUID } from 'node:crypto';
import { RedisSharedAnswers } from '../../src/answering/shared-answers.redis.js';
import { RedisConnection } from '../../src/platform/redis/connection.redis.js';
import { createLog } from '../../src/platform/telemetry/log.js';
import { describeRedis, REDIS_URL } from '../kit/redis.js';

describeRedis('answers shared through Redis', () => {
  test('one that is followed while the database is asked about the others goes on', async () => {
    const log = createLog({ level: 'silent', format: 'json', secrets: [] });
    await using redis = await RedisConnection.open({ url: REDIS_URL!, prefix: `${randomUUID()}:` }, log);
    const asked = Promise.withResolvers<void>();
    const told = Promise.withResolvers<string[]>();
    await using answers = new RedisSharedAnswers(redis, () => {
      asked.resolve();
      return told.promise;
    });
    using ended = answers.follow('ended');
    await asked.promise;
    using running = answers.follow('running');
    told.resolve([]);
    expect(await ended.live.next(0, AbortSignal.timeout(10_000))).toBeNull();
    expect(ended.live.hasEnded).toBe(true);
    expect(running.live.hasEnded).toBe(false);
  });
});
