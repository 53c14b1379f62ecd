import { randomUUID } from 'node:crypto';
import { RedisSharedAnswers } from '../../src/answering/shared-answers.redis.js';
import { RedisConnection } from '../../src/platform/redis/connection.redis.js';
import { createLog } from '../../src/platform/telemetry/log.js';
import { describeRedis, REDIS_URL } from '../kit/redis.js';

describeRedis('RedisSharedAnswers', () => {
  test('does not finish an answer that is first followed while the database is queried', async () => {
    const log = createLog({ level: 'silent', format: 'json', secrets: [] });
    await using redis = await RedisConnection.open({ url: REDIS_URL!, prefix: `${randomUUID()}:` }, log);
    const queried = Promise.withResolvers<void>();
    const result = Promise.withResolvers<string[]>();
    await using answers = new RedisSharedAnswers(redis, () => {
      queried.resolve();
      return result.promise;
    });
    using finished = answers.follow('finished');
    await queried.promise;
    using running = answers.follow('running');
    result.resolve([]);
    expect(await finished.live.next({ text: 0, reasoning: 0, items: 0 }, AbortSignal.timeout(10_000))).toBeNull();
    expect(finished.live.isFinished).toBe(true);
    expect(running.live.isFinished).toBe(false);
  });
});
