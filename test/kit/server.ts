import { randomUUID } from 'node:crypto';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import type { EntityManager } from '../../src/platform/db/database.js';
import { Disposables } from '../../src/platform/lifecycle/disposables.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { RegisterDocument, type RegisterInput } from '../../src/client/generated/graphql.js';
import { Balancer } from './balancer.js';
import { FakeProvider } from './fake-provider.js';
import { createDatabase, POSTGRES_URL } from './postgres.js';
import { REDIS_URL } from './redis.js';
import { ApiClient } from './user.js';

export const PASSWORD = 'correct horse battery staple';

/**
 * A real server on a free port, with a provider that the test commands, and people who can act. Where the tests run on
 * PostgreSQL and Redis it is two instances, and each request and each socket goes to the next one.
 */
export class TestServer implements AsyncDisposable {
  readonly anyone: ApiClient;
  readonly #clients = new Disposables();

  private constructor(
    /** Where clients connect. */
    readonly url: string,
    readonly instances: readonly RunningServer[],
    readonly provider: FakeProvider,
    /** Every line that the instances have logged. */
    readonly logged: string[],
    private readonly opened: AsyncDisposable,
  ) {
    this.anyone = this.#clients.use(new ApiClient(url));
  }

  /**
   * On a database of its own: in memory, or on the PostgreSQL server of TEST_POSTGRES_URL.
   * @param settings environment variables that differ from the tests' usual ones
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
      RATE_LIMIT_ASK: 'off',
      LOG_LEVEL: 'debug',
      ...settings,
    });
    const logDestination = { write: (line: string) => void logged.push(line) };
    const instances: RunningServer[] = [];
    for (let i = 0; i < (config.redis && database ? 2 : 1); i += 1)
      instances.push(opened.use(await startServer(config, { logDestination })));
    const urls = instances.map(({ url }) => url);
    const url = urls.length === 1 ? urls[0]! : opened.use(await Balancer.start(urls)).url;
    return new TestServer(url, instances, provider, logged, opened.move());
  }

  /** The instance, or the first of them. */
  get server(): RunningServer {
    return this.instances[0]!;
  }

  /** Resolves when titles are given and metadata is written. */
  async settled(): Promise<void> {
    for (const { services } of this.instances) await services.background.idle();
  }

  /** For looking at what is stored, and meddling with it. */
  get em(): EntityManager {
    return this.server.services.orm.em.fork();
  }

  /** How many rows a table has, or a part of it: `messages where position is null`. */
  async count(rows: string): Promise<number> {
    // PostgreSQL counts in bigint, which comes as text.
    return Number((await this.em.execute<{ n: number | string }[]>(`select count(*) as n from ${rows}`))[0]!.n);
  }

  /** Registers somebody, and signs them in. */
  async user(input: Partial<RegisterInput> = {}): Promise<ApiClient & { id: string; email: string }> {
    const email = input.email ?? `person-${randomUUID()}@example.com`;
    const { register } = await this.anyone.request(RegisterDocument, {
      input: { password: PASSWORD, ...input, email },
    });
    return Object.assign(this.client(register.accessToken), { id: register.user.id, email });
  }

  /** A client with this access token. */
  client(accessToken: string | null): ApiClient {
    return this.#clients.use(new ApiClient(this.url, accessToken));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clients[Symbol.asyncDispose]();
    await this.opened[Symbol.asyncDispose]();
  }
}
