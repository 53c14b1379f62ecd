import {
  AskQuestionDocument,
  ConversationsDocument,
  MeDocument,
  RenameConversationDocument,
} from '../../src/client/generated/graphql.js';
import { inTransaction } from '../../src/platform/db/transaction.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { createDatabase, describePostgres, type TestDatabase } from '../kit/postgres.js';
import { TestServer } from '../kit/server.js';
import { TcpProxy } from '../kit/tcp-proxy.js';
import { until } from '../kit/until.js';

describePostgres('a PostgreSQL that comes and goes', () => {
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

  const killAll = () =>
    database.execute(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
  const readiness = async () => (await fetch(`${server.url}/readyz`)).status;

  test('while requests keep all connections busy, running answers keep their lease and are saved', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Busy?');
    const call = await taken;
    // As many transactions as the pool has connections.
    const held = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const { em } = server;
        await em.begin();
        await em.execute('select 1');
        return em;
      }),
    );
    call.delta('Saved meanwhile');
    const saved = () =>
      database.execute<{ content: string }>('select content from messages where id = $1', [answer.id]);
    await until(async () => (await saved())[0]!.content === 'Saved meanwhile');
    for (const em of held) await em.rollback();
    FakeProvider.done(call);
    const follower = jane.follow(answer.id);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Saved meanwhile' });
  });

  test('while it is away requests are UNAVAILABLE and it is not ready; then everything goes on, an answer too', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer, conversation } = await jane.ask('Will you survive?');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('I ');
    await follower.until('I ');

    await proxy.close();
    expect(await jane.codeOf(MeDocument)).toBe('UNAVAILABLE');
    expect(await jane.codeOf(AskQuestionDocument, { input: { question: 'You there?' } })).toBe('UNAVAILABLE');
    expect(await jane.over(`{ me { id } }`).catch((errors) => errors[0].extensions.code)).toBe('UNAVAILABLE');
    const headers = { authorization: `Bearer ${jane.accessToken}` };
    expect((await fetch(`${server.url}/graphql/stream`, { method: 'PUT', headers })).status).toBe(503);
    expect(await readiness()).toBe(503);
    call.delta('will.');
    FakeProvider.done(call);
    await proxy.open();
    while ((await readiness()) !== 200) await new Promise(setImmediate);

    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'I will.' });
    expect((await jane.conversation(conversation.id)).messages.totalCount).toBe(2);
    expect(server.logged.join('')).not.toContain('not foreseen');
  });

  test('connections that are lost inside of transactions do not use up the pool', async () => {
    const jane = await server.user();
    for (let i = 0; i < 8; i += 1) {
      const lost = inTransaction(server.em, async (tx) => {
        await tx.execute('select 1');
        await killAll();
        await tx.execute('select 1');
      });
      await expect(lost).rejects.toMatchObject({ name: 'ConnectionException' });
    }
    expect((await jane.request(MeDocument)).me.id).toBe(jane.id);
    const all = await Promise.all(Array.from({ length: 20 }, () => jane.request(ConversationsDocument, {})));
    expect(all).toHaveLength(20);
  });

  test('connections cut in the middle of everything give UNAVAILABLE at worst, and lose nothing that was told', async () => {
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
    for (let i = 0; i < 10; i += 1) await killAll();
    await asking;
    expect([...codes].filter((code) => code !== 'UNAVAILABLE')).toEqual([]);
    for (const id of stored) expect((await jane.message(id)).content).toMatch(/^Question/);
  });

  test('one that has frozen is UNAVAILABLE after a while, and does not keep the server from coming back', async () => {
    const jane = await server.user();
    await killAll();
    await new Promise(setImmediate);
    proxy.freeze(true);
    const began = Date.now();
    expect(await jane.codeOf(MeDocument)).toBe('UNAVAILABLE');
    expect(await readiness()).toBe(503);
    expect(Date.now() - began).toBeLessThan(25_000);
    proxy.freeze(false);
    while ((await readiness()) !== 200) await new Promise(setImmediate);
    expect((await jane.request(MeDocument)).me.id).toBe(jane.id);
  });

  test('a statement that takes too long, and a lock that is held too long, are UNAVAILABLE', async () => {
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
        expect(await jane.codeOf(RenameConversationDocument, { input })).toBe('UNAVAILABLE');
      });
      expect((await jane.request(RenameConversationDocument, { input })).renameConversation.title).toBe('Waiting');
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});
