import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegenerateAnswerDocument, RegisterDocument } from '../../src/client/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { Instance } from '../kit/instance.js';
import { createDatabase, POSTGRES_URL, type TestDatabase } from '../kit/postgres.js';
import { PASSWORD } from '../kit/server.js';
import { until } from '../kit/until.js';
import { ApiClient } from '../kit/user.js';

describe('a server that ends', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  let provider: FakeProvider;
  const instances: Instance[] = [];
  const clients: ApiClient[] = [];
  beforeAll(async () => void (provider = await FakeProvider.start()));
  afterEach(async () => {
    await Promise.all(instances.splice(0).map((instance) => instance.kill()));
    for (const client of clients.splice(0)) await client[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await provider[Symbol.asyncDispose]();
    for (const database of databases.values()) await (await database)[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const databases = new Map<string, Promise<TestDatabase>>();
  /** Of a name's own: a file, or a database on the PostgreSQL server that the tests were given. */
  async function urlOf(name: string): Promise<string> {
    if (!POSTGRES_URL) return `sqlite:${join(folder, `${name}.db`)}`;
    if (!databases.has(name)) databases.set(name, createDatabase());
    return (await databases.get(name)!).url;
  }

  /** A server process on this database. */
  async function start(database: string, settings: Record<string, string> = {}) {
    const DATABASE_URL = await urlOf(database);
    const usual = { DATABASE_URL, OPENAI_BASE_URL: provider.baseUrl, LOG_LEVEL: 'silent' };
    const instance = new Instance(folder, { ...usual, ...settings });
    instances.push(instance);
    await instance.started;
    return instance;
  }
  const client = (url: string, token: string | null = null) => {
    const made = new ApiClient(url, token);
    clients.push(made);
    return made;
  };
  async function register(url: string): Promise<ApiClient> {
    const input = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD };
    return client(url, (await client(url).request(RegisterDocument, { input })).register.accessToken);
  }

  test('after kill -9 every question is there, what ran is INTERRUPTED with its saved text, and it goes on', async () => {
    const first = await start('crash');
    const jane = await register(first.url);
    const done = await jane.ask('Before', { stream: false });
    const taken = provider.takeCall();
    const { conversation, answer, question } = await jane.ask('During');
    const call = await taken;
    call.delta('Saved by the heartbeat');
    // What is read from the database alone, through another process, is what a crash leaves.
    const second = await start('crash');
    const witness = client(second.url, jane.accessToken);
    await until(async () => (await witness.message(answer.id)).content !== '');
    const follower = witness.follow(answer.id);
    await first.kill();

    await follower.rest();
    expect(follower.finished).toMatchObject({
      status: 'FAILED',
      content: 'Saved by the heartbeat',
      error: { code: 'INTERRUPTED', retryable: true },
    });
    expect(follower.text).toBe('Saved by the heartbeat');
    expect((await witness.message(question.id)).content).toBe('During');
    expect((await witness.message(done.answer.id)).status).toBe('COMPLETED');
    const { regenerateAnswer } = await witness.request(RegenerateAnswerDocument, {
      input: { answerId: answer.id, stream: false },
    });
    expect(regenerateAnswer.answer).toMatchObject({ status: 'COMPLETED', content: 'You asked: During' });
    expect((await witness.conversation(conversation.id)).messages.totalCount).toBe(2);
  });

  test('SIGTERM lets answers end, refuses new ones, and ends with 0', async () => {
    const server = await start('drain', { SHUTDOWN_GRACE: '20s' });
    const jane = await register(server.url);
    const taken = provider.takeCall();
    const { answer } = await jane.ask('Let me finish');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('I was ');
    await follower.until('I was ');
    server.terminate();
    await server.ready(false);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const input = { question: 'Me too?' };
    expect(
      await jane.codeOf('mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { answer { id } } }', {
        input,
      }),
    ).toBe('UNAVAILABLE');
    call.delta('saying.');
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'I was saying.' });
    expect(await server.exited).toBe(0);
  });

  test('what does not end within the grace is INTERRUPTED with its text, and sockets are told to come back', async () => {
    const server = await start('grace', { SHUTDOWN_GRACE: '200ms' });
    const jane = await register(server.url);
    const taken = provider.takeCall();
    const { answer } = await jane.ask('For ever');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('So far');
    await follower.until('So far');
    const waiting = jane.ask('Wait for it', { stream: false });
    await provider.takeCall();
    server.terminate();
    const closed = follower.rest().then(
      () => null,
      (reason: unknown) => reason as { code: number },
    );
    expect((await waiting).answer).toMatchObject({ status: 'FAILED', error: { code: 'INTERRUPTED' } });
    expect(await server.exited).toBe(0);
    expect([null, 1001, 1012]).toContain((await closed)?.code ?? null);

    const next = await start('grace');
    expect(await client(next.url, jane.accessToken).message(answer.id)).toMatchObject({
      status: 'FAILED',
      content: 'So far',
      error: { code: 'INTERRUPTED' },
    });
  });

  test('a second signal ends it at once', async () => {
    const server = await start('twice', { SHUTDOWN_GRACE: '10m' });
    const jane = await register(server.url);
    const taken = provider.takeCall();
    await jane.ask('For ever');
    await taken;
    server.terminate();
    await server.ready(false);
    server.terminate();
    expect(await server.exited).not.toBe(0);
  });
});
