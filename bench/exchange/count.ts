import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { CountingProxy } from '../kit/counting-proxy.js';
import type { MeasuredDatabase } from '../kit/databases.js';
import type { Use } from '../kit/run-benchmark.js';
import type { SeededUser } from '../kit/seed.js';
import { SERVERS, type MeasuredServer } from '../servers/measured-server.js';
import type { ServerFleet } from '../servers/server-fleet.js';
import { exchange, type Sizes, type Subject } from './loads.js';

/** What PostgreSQL and Redis bear for each exchange. */
export interface ExchangeCounts {
  statements: number;
  postgresqlBytes: number;
  walBytes: number;
  redisCommands: number;
  redisBytes: number;
  /** Microseconds. */
  redisCpu: number;
}

/** Whether the users follow at the instance that generates their answers, or at another one. */
export type Following = 'same instance' | 'other instance';

/** Counts statements, commands and bytes of exchanges with two instances of Parley. */
export async function countExchanges(
  use: Use,
  fleet: ServerFleet<SeededUser[]>,
  sizes: Sizes,
): Promise<Record<Following, ExchangeCounts>> {
  const { gate, seeded } = fleet;
  const redisUrl = `${fleet.redisUrl}?prefix=count:`;
  const database = await fleet.copy('counted');
  const proxy = use(await CountingProxy.start(database.url));
  const start = async (): Promise<MeasuredServer> => {
    const server = await SERVERS.parley({ ...fleet.options, databaseUrl: proxy.url, redisUrl });
    use(server.process);
    return server;
  };
  const [server, other] = [await start(), await start()];
  const redis = new Redis(fleet.redisUrl!);
  const count = async (followed: MeasuredServer): Promise<ExchangeCounts> => {
    const users = await Promise.all(seeded.map(async (user) => ({ ...user, socket: await followed.open(user.token) })));
    const subject: Subject = { server, database, gate, users, ...sizes };
    await exchange(subject); // prepares statements and scripts
    const before = await read(redis, database, proxy);
    const began = performance.now();
    await exchange(subject);
    const duration = performance.now() - began;
    const after = await read(redis, database, proxy);
    // Leases and checks of idle instances.
    await sleep(duration);
    const idle = await read(redis, database, proxy);
    for (const { socket } of users) socket.close();
    const toShare = (figure: keyof ExchangeCounts) =>
      (after[figure] - before[figure] - (idle[figure] - after[figure])) / users.length;
    return {
      statements: toShare('statements'),
      postgresqlBytes: toShare('postgresqlBytes'),
      walBytes: toShare('walBytes'),
      redisCommands: toShare('redisCommands'),
      redisBytes: toShare('redisBytes'),
      redisCpu: toShare('redisCpu'),
    };
  };
  try {
    return { 'same instance': await count(server), 'other instance': await count(other) };
  } finally {
    redis.disconnect();
  }
}

async function read(redis: Redis, database: MeasuredDatabase, { counts }: CountingProxy): Promise<ExchangeCounts> {
  const [wal] = await database.query<{ bytes: string }>(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`);
  const info = new Map((await redis.info()).split('\r\n').map((line) => line.split(':') as [string, string]));
  const figure = (name: string) => Number(info.get(name));
  return {
    statements: counts.statements,
    postgresqlBytes: counts.bytes,
    walBytes: Number(wal!.bytes),
    redisCommands: figure('total_commands_processed'),
    redisBytes: figure('total_net_input_bytes') + figure('total_net_output_bytes'),
    redisCpu: (figure('used_cpu_user') + figure('used_cpu_sys')) * 1e6,
  };
}
