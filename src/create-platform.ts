import { createModels } from './create-models.js';
import { entities } from './entities.js';
import type { Configuration } from './platform/config/configuration.js';
import { readVersion } from './platform/config/package-root.js';
import { openDatabase, openReservedConnection } from './platform/db/database.js';
import type { EntityManager } from './platform/db/orm.js';
import type { QueryTarget } from './platform/db/prepared-query.js';
import { lockSqliteFile } from './platform/db/sqlite-lock.js';
import { SqlitePurge } from './platform/db/sqlite-purge.js';
import { Jobs } from './platform/jobs/jobs.js';
import type { Disposables } from './platform/lifecycle/disposables.js';
import { createRateLimiterInMemory } from './platform/limits/rate-limiter.js';
import { createRateLimitersInRedis } from './platform/limits/rate-limiter.redis.js';
import { inspectProvider } from './platform/model/inspect-provider.js';
import { ProviderHealth, type ProviderStatus } from './platform/model/provider-health.js';
import { MemoryBus } from './platform/pubsub/bus.js';
import { RedisBus } from './platform/pubsub/bus.redis.js';
import { RedisConnection } from './platform/redis/connection.redis.js';
import type { Logger } from './platform/telemetry/log.js';
import { Metrics } from './platform/telemetry/metrics.js';
import type { OpenTelemetry } from './platform/telemetry/open-telemetry.js';
import { Connections } from './transport/connections/connections.js';

export type Platform = Awaited<ReturnType<typeof createPlatform>>;

/** Opens what the domains work with: the database, Redis, the model, and what runs beside requests. */
export async function createPlatform(config: Configuration, log: Logger, opened: Disposables) {
  const { database } = config;
  // Without Redis the server keeps shared state in process, so it must be the only one.
  if (database.dialect === 'sqlite' && database.path !== ':memory:' && !config.redis)
    opened.use(await lockSqliteFile(database.path));
  const metrics = new Metrics();
  const openTelemetry = await createOpenTelemetry(config, metrics, log, opened);
  const orm = await openDatabase(config.database, entities, openTelemetry);
  opened.defer(() => orm.close(true));
  const fork = (): EntityManager => orm.em.fork();
  const isFile = database.dialect === 'sqlite' && database.path !== ':memory:';
  const purge = isFile ? opened.use(new SqlitePurge(orm, log)) : null;
  const reserved = await openReservedConnection(orm, config.database, entities);
  if (reserved !== orm) opened.defer(() => reserved.close(true));
  const providerHealth = new ProviderHealth();
  const dependencies = { metrics, log, health: providerHealth, tracing: openTelemetry };
  const models = await createModels(config, dependencies, opened);
  const closing = new AbortController();
  opened.defer(() => closing.abort());
  const redis = config.redis ? opened.use(await RedisConnection.open(config.redis, log)) : null;
  const connections = opened.use(new Connections());
  metrics.gauge('parley_connections', 'Open sockets and event streams of signed-in users.', () => connections.size);
  return {
    orm,
    /** For prepared queries outside transactions. A fork never joins a transaction of its caller, and this one reads no entities. */
    db: fork() as QueryTarget,
    fork,
    /** Call it after the commit of a deletion: removes what SQLite keeps of the text. */
    schedulePurge: (): void => purge?.schedule(),
    forkReserved: (): EntityManager => reserved.em.fork(),
    metrics,
    /** Null unless traces are exported. */
    tracing: openTelemetry,
    models,
    /** What is known about the provider. */
    getProviderStatus: (): ProviderStatus | 'demo' => (config.provider ? providerHealth.status : 'demo'),
    /** Looks at the provider and logs what to change. Does not throw. */
    inspectProvider: async (): Promise<void> => {
      if (!config.provider) return;
      await inspectProvider({
        provider: config.provider,
        contextTokens: config.memory.contextTokens,
        fetchJson: (path, signal) => models.openAI.fetchJson(path, signal),
        learnContextTokens: (tokens) => models.openAI.learnContextTokens(tokens),
        health: providerHealth,
        log,
        signal: closing.signal,
      });
    },
    redis,
    bus: redis ? new RedisBus(redis) : new MemoryBus(),
    rateLimiters: redis ? createRateLimitersInRedis(redis) : createRateLimiterInMemory,
    connections,
    jobs: opened.use(new Jobs(log)),
    log,
    opened,
  };
}

/** The packages of OpenTelemetry are loaded only if they are used. */
async function createOpenTelemetry(
  { openTelemetry }: Configuration,
  metrics: Metrics,
  log: Logger,
  opened: Disposables,
): Promise<OpenTelemetry | null> {
  if (!openTelemetry) return null;
  const { OpenTelemetry } = await import('./platform/telemetry/open-telemetry.js');
  return opened.use(new OpenTelemetry({ ...openTelemetry, version: readVersion(), metrics, log }));
}
