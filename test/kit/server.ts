import { randomUUID } from 'node:crypto';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import type { EntityManager } from '../../src/platform/db/database.js';
import { Disposables } from '../../src/platform/lifecycle/disposables.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { RegisterDocument, type RegisterInput } from '../../src/client/generated/graphql.js';
import { FakeProvider } from './fake-provider.js';
import { createDatabase, POSTGRES_URL, type TestDatabase } from './postgres.js';
import { ApiClient } from './user.js';

export const PASSWORD = 'correct horse battery staple';

/** A real server on a free port, with a provider that the test commands, and people who can act. */
export class TestServer implements AsyncDisposable {
  readonly anyone: ApiClient;
  readonly #opened = new Disposables();

  private constructor(
    readonly server: RunningServer,
    readonly provider: FakeProvider,
    /** Every line that the server has logged. */
    readonly logged: string[],
    private readonly database: TestDatabase | null,
  ) {
    this.anyone = this.#opened.use(new ApiClient(server.url));
  }

  /**
   * On a database of its own: in memory, or on the PostgreSQL server of TEST_POSTGRES_URL.
   * @param settings environment variables that differ from the tests' usual ones
   */
  static async start(settings: Record<string, string> = {}): Promise<TestServer> {
    const provider = await FakeProvider.start();
    const logged: string[] = [];
    const database = POSTGRES_URL && !settings['DATABASE_URL'] ? await createDatabase() : null;
    const config = readConfiguration({
      NODE_ENV: 'test',
      PORT: '0',
      DATABASE_URL: database?.url ?? 'sqlite::memory:',
      ...(database ? { JWT_SECRET: randomUUID() } : {}),
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_MAX_RETRIES: '0',
      RATE_LIMIT_AUTH: 'off',
      RATE_LIMIT_ASK: 'off',
      LOG_LEVEL: 'debug',
      ...settings,
    });
    const logDestination = { write: (line: string) => void logged.push(line) };
    return new TestServer(await startServer(config, { logDestination }), provider, logged, database);
  }

  get url(): string {
    return this.server.url;
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
    return this.#opened.use(new ApiClient(this.url, accessToken));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    await this.provider[Symbol.asyncDispose]();
    await this.database?.[Symbol.asyncDispose]();
  }
}
