import { randomUUID } from 'node:crypto';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import type { EntityManager } from '../../src/platform/db/orm.js';
import { Disposables } from '../../src/platform/lifecycle/disposables.js';
import { createServerLog } from '../../src/server-log.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { RegisterDocument, type RegisterInput } from '../../client/src/generated/graphql.js';
import { Balancer } from './balancer.js';
import { BUILD } from './build.js';
import { FakeProvider } from './fake-provider.js';
import { createDatabase, POSTGRES_URL } from './postgres.js';
import { REDIS_URL } from './redis.js';
import { ApiClient } from './user.js';

export const PASSWORD = 'correct horse battery staple';

/**
 * A real server on a free port, with a provider that the test controls, and users. On PostgreSQL and Redis it consists of
 * two instances behind a load balancer.
 */
export class TestServer implements AsyncDisposable {
  /** A client without an access token. */
  readonly anyone: ApiClient;
  readonly #clients = new Disposables();

  private constructor(
    /** The URL that clients use. */
    readonly url: string,
    readonly instances: readonly RunningServer[],
    readonly provider: FakeProvider,
    /** All log lines of the instances. */
    readonly logged: string[],
    private readonly opened: AsyncDisposable,
  ) {
    this.anyone = this.#clients.use(new ApiClient(url));
  }

  /**
   * Uses a new database: in memory, or on the PostgreSQL server of TEST_POSTGRES_URL.
   * @param settings environment variables, in addition to the defaults of the tests
   */
  static async start(settings: Record<string, string> = {}): Promise<TestServer> {
    await using opened = new Disposables();
    const logged: string[] = [];
    const database = POSTGRES_URL && !settings['DATABASE_URL'] ? opened.use(await createDatabase()) : null;
    const provider = opened.use(await FakeProvider.start());
    const config = readConfiguration({
      NODE_ENV: 'test',
      PORT: '0',
      DATABASE_URL: database?.url ?? 'sqlite::memory:',
      ...(database
        ? { JWT_SECRET: randomUUID(), REDIS_URL: REDIS_URL ? `${REDIS_URL}?prefix=${randomUUID()}:` : '' }
        : {}),
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_MAX_RETRIES: '0',
      RATE_LIMIT_AUTH: 'off',
      RATE_LIMIT_REGISTER: 'off',
      RATE_LIMIT_REGISTER_TOTAL: 'off',
      RATE_LIMIT_ASK: 'off',
      MAX_RUNNING_ANSWERS_PER_USER: '1000',
      MAX_RUNNING_ANSWERS: '1000',
      LOG_LEVEL: 'debug',
      ...settings,
    });
    const log = createServerLog(config, { write: (line) => void logged.push(line) });
    const instances: RunningServer[] = [];
    for (let i = 0; i < (config.redis && database ? 2 : 1); i += 1)
      instances.push(opened.use(await startServer(config, log, { pagesFolder: BUILD })));
    const urls = instances.map(({ url }) => url);
    const url = urls.length === 1 ? urls[0]! : opened.use(await Balancer.start(urls)).url;
    return new TestServer(url, instances, provider, logged, opened.move());
  }

  /** The first instance. */
  get server(): RunningServer {
    return this.instances[0]!;
  }

  /** Resolves when titles and metadata are stored. */
  async settled(): Promise<void> {
    for (const { services } of this.instances) await services.background.idle();
  }

  /** A new fork, for reading and changing rows directly. */
  get em(): EntityManager {
    return this.server.services.orm.em.fork();
  }

  /** Counts the rows of a table, or of a part of it: `messages where position is null`. */
  async count(rows: string): Promise<number> {
    // PostgreSQL returns a bigint as text.
    return Number((await this.em.execute<{ n: number | string }[]>(`select count(*) as n from ${rows}`))[0]!.n);
  }

  /** Registers a user. */
  async user(input: Partial<RegisterInput> = {}): Promise<ApiClient & { id: string; email: string }> {
    const email = input.email ?? `person-${randomUUID()}@example.com`;
    const { register } = await this.anyone.request(RegisterDocument, {
      input: { password: PASSWORD, ...input, email },
    });
    return Object.assign(this.client(register.accessToken), { id: register.user.id, email });
  }

  /** Creates a client with this access token. @param url that of one instance, if the test needs it */
  client(accessToken: string | null, url = this.url): ApiClient {
    return this.#clients.use(new ApiClient(url, accessToken));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clients[Symbol.asyncDispose]();
    await this.opened[Symbol.asyncDispose]();
  }
}
