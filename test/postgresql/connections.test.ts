import {
  AskQuestionDocument,
  ConversationsDocument,
  MeDocument,
  RenameConversationDocument,
} from '../../client/src/generated/graphql.js';
import { inTransaction } from '../../src/platform/db/transaction.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { createDatabase, describePostgres, type TestDatabase } from '../kit/postgres.js';
import { TestServer } from '../kit/server.js';
import { TcpProxy } from '../kit/tcp-proxy.js';
import { until } from '../kit/until.js';

describePostgres('an unreliable connection to PostgreSQL', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let server: TestServer;
  beforeEach(async () => {
    database = await createDatabase();
    proxy = await TcpProxy.start(database.url);
    server = await TestServer.start({
      DATABASE_URL: `${proxy.through(database.url)}?pool_size=3`,
      JWT_SECRET: 'x'.repeat(40),
    });
  });
  afterEach(async () => {
    proxy.freeze(false);
    await server[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const terminateConnections = () =>
    database.execute(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
  const getReadiness = async () => (await fetch(`${server.url}/readyz`)).status;

  /** Begins a transaction on each connection of the pool. */
  const holdConnections = () =>
    Promise.all(
      Array.from({ length: 3 }, async () => {
        const { em } = server;
        await em.begin();
        await em.execute('select 1');
        return em;
      }),
    );

  test('requests fail with UNAVAILABLE while all connections are in use', async () => {
    const jane = await server.user();
    const held = await holdConnections();
    const [code, readiness] = await Promise.all([jane.getErrorCode(MeDocument), getReadiness()]);
    for (const em of held) await em.rollback();
    expect(code).toBe('UNAVAILABLE');
    expect(readiness).toBe(503);
    expect((await jane.request(MeDocument)).me.id).toBe(jane.id);
    expect(await getReadiness()).toBe(200);
  });

  test('leases are renewed and texts are saved while requests use all connections', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Busy?');
    const call = await taken;
    const held = await holdConnections();
    call.delta('Saved meanwhile');
    const readSaved = () =>
      database.execute<{ content: string }>('select content from messages where id = $1', [answer.id]);
    await until(async () => (await readSaved())[0]!.content === 'Saved meanwhile');
    for (const em of held) await em.rollback();
    FakeProvider.done(call);
    const follower = jane.follow(answer.id);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Saved meanwhile' });
  });

  test('requests fail with UNAVAILABLE while the database is down, and a running answer survives', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer, conversation } = await jane.ask('Will you survive?');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('I ');
    await follower.until('I ');

    await proxy.close();
    expect(await jane.getErrorCode(MeDocument)).toBe('UNAVAILABLE');
    expect(await jane.getErrorCode(AskQuestionDocument, { input: { question: 'You there?' } })).toBe('UNAVAILABLE');
    expect(await jane.requestOverSocket(`{ me { id } }`).catch((errors) => errors[0].extensions.code)).toBe(
      'UNAVAILABLE',
    );
    const headers = { authorization: `Bearer ${jane.accessToken}` };
    expect((await fetch(`${server.url}/graphql/stream`, { method: 'PUT', headers })).status).toBe(503);
    expect(await getReadiness()).toBe(503);
    call.delta('will.');
    FakeProvider.done(call);
    await proxy.open();
    while ((await getReadiness()) !== 200) await new Promise(setImmediate);

    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'I will.' });
    expect((await jane.conversation(conversation.id)).messages.totalCount).toBe(2);
    expect(server.logged.join('')).not.toContain('Unexpected error');
  });

  test('connections lost within transactions do not exhaust the pool', async () => {
    const jane = await server.user();
    for (let i = 0; i < 8; i += 1) {
      const lost = inTransaction(server.em, async (tx) => {
        await tx.execute('select 1');
        await terminateConnections();
        await tx.execute('select 1');
      });
      await expect(lost).rejects.toMatchObject({ name: 'ConnectionException' });
    }
    expect((await jane.request(MeDocument)).me.id).toBe(jane.id);
    const all = await Promise.all(Array.from({ length: 20 }, () => jane.request(ConversationsDocument, {})));
    expect(all).toHaveLength(20);
  });

  test('lost connections cause no error but UNAVAILABLE, and confirmed questions stay stored', async () => {
    const jane = await server.user();
    const stored: string[] = [];
    const codes = new Set<unknown>();
    const asking = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let i = 0; i < 10; i += 1) {
          const asked = jane
            .ask(`Question ${i}`)
            .catch((error) => codes.add(error.response?.errors[0].extensions.code));
          const payload = await asked;
          if (!(payload instanceof Set)) stored.push(payload.question.id);
        }
      }),
    );
    for (let i = 0; i < 10; i += 1) await terminateConnections();
    await asking;
    expect([...codes].filter((code) => code !== 'UNAVAILABLE')).toEqual([]);
    for (const id of stored) expect((await jane.message(id)).content).toMatch(/^Question/);
  });

  test('requests to a frozen database fail with UNAVAILABLE, and succeed when it responds again', async () => {
    const jane = await server.user();
    await terminateConnections();
    await new Promise(setImmediate);
    proxy.freeze(true);
    const began = Date.now();
    expect(await jane.getErrorCode(MeDocument)).toBe('UNAVAILABLE');
    expect(await getReadiness()).toBe(503);
    expect(Date.now() - began).toBeLessThan(25_000);
    proxy.freeze(false);
    while ((await getReadiness()) !== 200) await new Promise(setImmediate);
    expect((await jane.request(MeDocument)).me.id).toBe(jane.id);
  });

  test('a statement that waits too long for a lock fails with UNAVAILABLE', async () => {
    const own = await TestServer.start({
      DATABASE_URL: `${database.url}?statement_timeout=500`,
      JWT_SECRET: 'x'.repeat(40),
    });
    try {
      const jane = await own.user();
      const { conversation } = await jane.ask('Lock me', { stream: false });
      await own.settled();
      const input = { id: conversation.id, title: 'Waiting' };
      await inTransaction(server.em, async (tx) => {
        await tx.execute('select 1 from conversations where id = ? for update', [conversation.id]);
        expect(await jane.getErrorCode(RenameConversationDocument, { input })).toBe('UNAVAILABLE');
      });
      expect((await jane.request(RenameConversationDocument, { input })).renameConversation.title).toBe('Waiting');
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});
