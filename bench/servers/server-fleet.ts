import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { importScript, seedPostgresql, seedSqlite, type MeasuredDatabase } from '../kit/databases.js';
import { Gate } from '../kit/gate.js';
import { MeasuredProcess } from '../kit/measured-process.js';
import { showProgress } from '../kit/progress.js';
import type { Round } from '../kit/report.js';
import type { Use } from '../kit/run-benchmark.js';
import { createTemporaryFolder } from '../kit/temporary-folder.js';
import type { Orm } from '../../src/platform/db/orm.js';
import type * as redisScript from '../../scripts/redis.mjs';
import { SERVER_NAMES, SERVERS, type MeasuredServer, type ServerName } from './measured-server.js';

/** Whether the servers store in PostgreSQL, and Parley also uses Redis. Otherwise they use SQLite. */
export const IS_POSTGRESQL = process.env['DATABASE'] === 'postgresql';

/** The name of the results of a benchmark, such as `requests` or `requests-postgresql`. */
export const toResultName = (name: string): string => (IS_POSTGRESQL ? `${name}-postgresql` : name);

/** With PostgreSQL and Redis, the goals are half as large again. */
export const toLimit = (limit: number): ['≤', number] => [
  '≤',
  IS_POSTGRESQL ? Number((limit * 1.5).toFixed(2)) : limit,
];

export interface FleetMember {
  server: MeasuredServer;
  database: MeasuredDatabase;
}

/** Starts a provider, and servers that store in copies of one database. */
export class ServerFleet<Seeded> {
  private constructor(
    readonly gate: Gate,
    readonly seeded: Seeded,
    readonly start: (name: ServerName) => Promise<FleetMember>,
    /** Creates a further copy of the database. */
    readonly copy: (name: string) => Promise<MeasuredDatabase>,
    /** Those of all servers. */
    readonly options: { provider: string; folder: string },
    /** Null on SQLite. */
    readonly redisUrl: string | null,
  ) {}

  /** @param seed fills the database */
  static async open<Seeded>(use: Use, seed: (orm: Orm) => Promise<Seeded>): Promise<ServerFleet<Seeded>> {
    const folder = createTemporaryFolder();
    const provider = use(await MeasuredProcess.start(join(import.meta.dirname, '../kit/provider.js')));
    const databases = use(await (IS_POSTGRESQL ? seedPostgresql(seed) : seedSqlite(folder, seed)));
    const redisUrl = IS_POSTGRESQL ? await startRedis(use) : null;
    const start = async (name: ServerName) => {
      const database = await databases.copy(name);
      const serverFolder = join(folder, name);
      mkdirSync(serverFolder, { recursive: true });
      const options = { databaseUrl: database.url, redisUrl, provider: `${provider.url}/v1`, folder: serverFolder };
      const server = await SERVERS[name](options);
      use(server.process);
      return { server, database };
    };
    const options = { provider: `${provider.url}/v1`, folder };
    return new ServerFleet(new Gate(provider), databases.seeded, start, databases.copy, options, redisUrl);
  }
}

async function startRedis(use: Use): Promise<string> {
  const { RedisServer } = (await importScript('redis')) as typeof redisScript;
  const redis = use(await RedisServer.start());
  process.once('exit', () => redis[Symbol.dispose]());
  return redis.url;
}

/** Measures each load with each subject in turn, in several rounds. A subject is a server, or a user of one. */
export async function measureRounds<Subject>(
  count: number,
  subjects: ReadonlyMap<string, Subject>,
  loads: Record<string, (subject: Subject) => Promise<Record<string, number>>>,
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let number = 1; number <= count; number += 1) {
    const round: Round = {};
    for (const [load, run] of Object.entries(loads)) {
      for (const [name, subject] of subjects) {
        showProgress(`round ${number} of ${count}: ${load}, ${name}`);
        (round[name] ??= {})[load] = await run(subject);
      }
    }
    rounds.push(round);
  }
  return rounds;
}

/** Starts all servers one after the other, and warms them up. */
export async function startAll<Subject>(
  start: (name: ServerName) => Promise<Subject>,
  warmUp: (subject: Subject) => Promise<unknown>,
): Promise<Map<ServerName, Subject>> {
  const subjects = new Map<ServerName, Subject>();
  for (const name of SERVER_NAMES) {
    showProgress(`warming up ${name}`);
    const subject = await start(name);
    subjects.set(name, subject);
    await warmUp(subject);
  }
  return subjects;
}
