import { Redis } from 'ioredis';
import { RedisConnection } from '../../src/platform/redis/connection.redis.js';
import { createLog } from '../../src/platform/telemetry/log.js';
import { describeRedis, RedisProcess } from '../kit/redis.js';

describeRedis('a connection to Redis', () => {
  const log = createLog({ level: 'silent', format: 'json', secrets: [] });

  test('a user without access to channels is rejected at startup with advice', async () => {
    await using redis = await RedisProcess.start();
    const admin = new Redis(redis.url);
    await admin.call('ACL', 'SETUSER', 'parley', 'on', '>password', '~*', 'resetchannels', '+@all');
    const url = redis.url.replace('//', '//parley:password@');
    await expect(RedisConnection.open({ url, prefix: 'parley:' }, log)).rejects.toThrow(/channels.*allchannels/);
    await admin.call('ACL', 'SETUSER', 'parley', 'allchannels');
    await using connection = await RedisConnection.open({ url, prefix: 'parley:' }, log);
    expect(await connection.isReady()).toBe(true);
    admin.disconnect();
  });
});
