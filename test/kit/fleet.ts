import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegisterDocument } from '../../client/src/generated/graphql.js';
import { Disposables } from '../../src/platform/lifecycle/disposables.js';
import { FakeProvider } from './fake-provider.js';
import { Instance } from './instance.js';
import { createDatabase, POSTGRES_URL } from './postgres.js';
import { REDIS_URL } from './redis.js';
import { PASSWORD } from './server.js';
import { ApiClient } from './user.js';

/** For suites with several instances. Skipped unless both PostgreSQL and Redis are available. */
export const describeFleet = POSTGRES_URL && REDIS_URL ? describe : describe.skip;

/** Server processes that share a database and Redis, with a provider that the test controls. */
export class Fleet implements AsyncDisposable {
  private constructor(
    readonly provider: FakeProvider,
    private readonly folder: string,
    private readonly settings: Record<string, string>,
    private readonly opened: Disposables,
  ) {}

  /** @param settings environment variables of all instances, in addition to the defaults of the tests */
  static async open(settings: Record<string, string> = {}): Promise<Fleet> {
    await using opened = new Disposables();
    const folder = mkdtempSync(join(tmpdir(), 'parley-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const DATABASE_URL = settings['DATABASE_URL'] ?? opened.use(await createDatabase()).url;
    const provider = opened.use(await FakeProvider.start());
    const defaults = {
      NODE_ENV: 'test',
      DATABASE_URL,
      REDIS_URL: `${REDIS_URL}?prefix=${randomUUID()}:`,
      JWT_SECRET: randomUUID(),
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_MAX_RETRIES: '0',
      RATE_LIMIT_AUTH: 'off',
      RATE_LIMIT_REGISTER: 'off',
      RATE_LIMIT_REGISTER_TOTAL: 'off',
      RATE_LIMIT_ASK: 'off',
      MAX_RUNNING_ANSWERS_PER_USER: '1000',
      MAX_RUNNING_ANSWERS: '1000',
      LOG_LEVEL: 'silent',
    };
    return new Fleet(provider, folder, { ...defaults, ...settings }, opened.move());
  }

  /** Starts one more instance. Resolves when it is ready. */
  async start(): Promise<Instance> {
    const instance = this.opened.use(new Instance(this.folder, this.settings));
    await instance.started;
    await instance.ready();
    return instance;
  }

  /** Registers a user. */
  async user(at: { url: string }): Promise<ApiClient & { id: string }> {
    await using anyone = new ApiClient(at.url);
    const input = { email: `${randomUUID()}@example.com`, password: PASSWORD };
    const { register } = await anyone.request(RegisterDocument, { input });
    return Object.assign(this.client(at, register.accessToken), { id: register.user.id });
  }

  /** Creates a client with a socket of its own. */
  client(at: { url: string }, accessToken: string | null): ApiClient {
    return this.opened.use(new ApiClient(at.url, accessToken));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened[Symbol.asyncDispose]();
  }
}
