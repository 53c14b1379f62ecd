import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegenerateAnswerDocument, RegisterDocument } from '../../client/src/generated/graphql.js';
import { entities } from '../../src/entities.js';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import { openConnection } from '../../src/platform/db/database.js';
import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { Instance } from '../kit/instance.js';
import { createDatabase, POSTGRES_URL, type TestDatabase } from '../kit/postgres.js';
import { PASSWORD } from '../kit/server.js';
import { ToolServer } from '../kit/tool-server.js';
import { until } from '../kit/until.js';
import { ApiClient } from '../kit/user.js';

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

describe('a server process', () => {
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
  /** Returns the URL of the database with this name: a SQLite file, or a database on the PostgreSQL server of the tests. */
  async function getDatabaseUrl(name: string): Promise<string> {
    if (!POSTGRES_URL) return `sqlite:${join(folder, `${name}.db`)}`;
    if (!databases.has(name)) databases.set(name, createDatabase());
    return (await databases.get(name)!).url;
  }

  /** Starts a server process on this database. */
  async function start(database: string, settings: Record<string, string> = {}) {
    const DATABASE_URL = await getDatabaseUrl(database);
    const usual = { DATABASE_URL, OPENAI_BASE_URL: provider.baseUrl, LOG_LEVEL: 'silent' };
    const instance = new Instance(folder, { ...usual, ...settings });
    instances.push(instance);
    await instance.started;
    return instance;
  }
  const client = (url: string, token: string | null = null) => {
    const opened = new ApiClient(url, token);
    clients.push(opened);
    return opened;
  };
  async function register(url: string): Promise<ApiClient> {
    const input = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD };
    return client(url, (await client(url).request(RegisterDocument, { input })).register.accessToken);
  }

  test('after SIGKILL all questions are stored and the running answer is INTERRUPTED with its saved text', async () => {
    const first = await start('crash');
    const jane = await register(first.url);
    const done = await jane.ask('Before', { stream: false });
    const taken = provider.takeCall();
    const { conversation, answer, question } = await jane.ask('During');
    const call = await taken;
    call.delta('Saved by the heartbeat');
    await using orm = await openConnection(
      readConfiguration({ DATABASE_URL: await getDatabaseUrl('crash') }).database,
      entities,
    );
    const readStored = () =>
      orm.em.fork().execute<{ content: string }[]>('select content from messages where id = ?', [answer.id]);
    await until(async () => (await readStored())[0]!.content !== '');
    await first.kill();

    const second = await start('crash');
    const witness = client(second.url, jane.accessToken);
    const follower = witness.follow(answer.id);
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

  test('after SIGKILL in any state of a look-up, every stored look-up has a result and the text is kept', async () => {
    await using tools = await ToolServer.start();
    tools.respond = ({ body: { input } }, response) => {
      if (input['sku'] !== 'slow') ToolServer.send(response, { stock: 3 });
    };
    const input = { type: 'object', properties: { sku: { type: 'string' } }, required: ['sku'] };
    const stock = { name: 'stock', description: 'Looks up the stock.', input, url: tools.url };
    const file = join(folder, 'tools.json');
    writeFileSync(file, JSON.stringify({ tools: [{ ...stock, timeout: '60s', allowPrivate: true }] }));
    const first = await start('calls', { TOOLS_FILE: file });
    const next = async (call: Call, ...skus: string[]) => {
      const taken = provider.takeCall();
      for (const sku of skus) call.toolCall('stock', { sku });
      call.finish('tool_calls', USAGE);
      return await taken;
    };
    // Each brings an answer with the text "Wait." into its state.
    const states: Record<string, (call: Call) => Promise<unknown>> = {
      'the model is writing the call': (call) => Promise.resolve(call.toolCall('stock', { sku: 'slow' })),
      'the call is running': (call) => {
        call.toolCall('stock', { sku: 'slow' });
        call.finish('tool_calls', USAGE);
        return until(() => tools.requests.length === 1);
      },
      'one of two calls is finished': (call) => {
        for (const sku of ['fast', 'slow']) call.toolCall('stock', { sku });
        call.finish('tool_calls', USAGE);
        return until(async () => (await readCalls()).some(({ state }) => state === 'DONE'));
      },
      'the calls are finished, and the model has not gone on': (call) => next(call, 'fast'),
      'the text goes on': async (call) => (await next(call, 'fast')).delta('Three.'),
    };
    await using orm = await openConnection(
      readConfiguration({ DATABASE_URL: await getDatabaseUrl('calls') }).database,
      entities,
    );
    const readCalls = () =>
      orm.em.fork().execute<{ state: string; result: string | null }[]>('select state, result from tool_calls');
    const answers: { user: ApiClient; id: string }[] = [];
    for (const reach of Object.values(states)) {
      const user = await register(first.url);
      const taken = provider.takeCall();
      const { answer } = await user.ask('Is it in stock?');
      const call = await taken;
      call.delta('Wait.');
      answers.push({ user, id: answer.id });
      await reach(call);
    }
    const last = answers.at(-1)!.id;
    const readTexts = () =>
      orm.em.fork().execute<{ id: string; content: string }[]>("select id, content from messages where role <> 'USER'");
    await until(async () =>
      (await readTexts()).every(({ id, content }) => content.includes(id === last ? 'Three.' : 'Wait.')),
    );
    expect((await readCalls()).map(({ state }) => state).sort()).toEqual([
      'DONE',
      'DONE',
      'DONE',
      'RUNNING',
      'RUNNING',
    ]);
    await first.kill();

    const second = await start('calls');
    for (const [i, { user, id }] of answers.entries()) {
      const follower = client(second.url, user.accessToken).follow(id);
      await follower.rest();
      const content = id === last ? 'Wait.\n\nThree.' : 'Wait.';
      expect([Object.keys(states)[i], follower.finished]).toMatchObject([
        expect.any(String),
        { status: 'FAILED', content, error: { code: 'INTERRUPTED' } },
      ]);
    }
    const interrupted = { state: 'FAILED', result: '{"error":"interrupted"}' };
    const done = { state: 'DONE', result: '{"stock":3}' };
    const stored = (await readCalls()).sort((a, b) => (a.state < b.state ? -1 : 1));
    expect(stored).toEqual([done, done, done, interrupted, interrupted]);
  });

  test('after SIGTERM running answers finish, new questions are rejected, and the exit code is 0', async () => {
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
      await jane.getErrorCode('mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { answer { id } } }', {
        input,
      }),
    ).toBe('UNAVAILABLE');
    call.delta('saying.');
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'I was saying.' });
    expect(await server.exited).toBe(0);
  });

  test('an answer that outlasts SHUTDOWN_GRACE is INTERRUPTED with its text, and sockets are closed', async () => {
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
});
