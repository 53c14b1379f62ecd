import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteConversationDocument,
  ContinueAnswerDocument,
  LogoutAllDocument,
  StopAnswerDocument,
} from '../../client/src/generated/graphql.js';
import { Disposables } from '../../src/platform/lifecycle/disposables.js';
import { RedisConnection } from '../../src/platform/redis/connection.redis.js';
import { createLog } from '../../src/platform/telemetry/log.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { describeRedis, RedisProcess } from '../kit/redis.js';
import { TestServer } from '../kit/server.js';
import { TcpProxy } from '../kit/tcp-proxy.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

/** Two instances with one Redis; their database is a file that both have open. */
describeRedis.each(['a single Redis', 'a Redis Cluster'])('two instances with %s', (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const opened = new Disposables();
  let nodes: RedisProcess[];
  let here: TestServer;
  let there: TestServer;
  let jane: ApiClient;
  /** The same user at the other instance. */
  let janeThere: ApiClient;

  beforeAll(async () => {
    nodes = kind === 'a Redis Cluster' ? await RedisProcess.startCluster() : [await RedisProcess.start()];
    nodes.forEach((node) => opened.use(node));
    const settings = {
      DATABASE_URL: `sqlite:${join(folder, 'parley.db')}`,
      JWT_SECRET: 'one for all the instances of a test',
      REDIS_URL: nodes[0]!.url,
      RATE_LIMIT_ASK: '20/1m',
    };
    here = opened.use(await TestServer.start(settings));
    there = opened.use(await TestServer.start({ ...settings, OPENAI_BASE_URL: here.provider.baseUrl }));
  });
  beforeEach(async () => {
    jane = await here.user();
    janeThere = there.client(jane.accessToken);
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function askHere(question: string) {
    const taken = here.provider.takeCall();
    const { answer, conversation } = await jane.ask(question);
    return { answer, conversation, call: await taken };
  }
  const stopRedis = async () => await Promise.all(nodes.map((node) => node.stop()));
  const restartRedis = async () => {
    // The nodes of a Cluster find each other again by the files that they have written.
    await Promise.all(nodes.map((node) => node.start()));
    await until(async () => (await fetch(`${here.url}/readyz`)).status === 200);
  };

  test('an answer is followed token by token at the other instance, from any offset', async () => {
    const { answer, call } = await askHere('Hello');
    const follower = janeThere.follow(answer.id);
    call.delta('One ');
    await follower.until('One ');
    call.delta('two 🌱');
    await follower.until('One two 🌱');
    const late = janeThere.follow(answer.id, 4);
    await late.next();
    expect(late.all[0]).toMatchObject({ offset: 4, text: 'two 🌱' });
    call.delta(' three');
    await Promise.all([follower.until('One two 🌱 three'), late.next()]);
    FakeProvider.done(call);
    await Promise.all([follower.rest(), late.rest()]);
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'One two 🌱 three' });
    expect(late.finished).toEqual(follower.finished);
  });

  test('reasoning is followed at the other instance, and a continued answer as one text', async () => {
    const { answer, call } = await askHere('And this?');
    const follower = janeThere.follow(answer.id);
    call.reasoning('So it ');
    await follower.untilReasoning('So it ');
    call.reasoning('goes 🌱.');
    await follower.untilReasoning('So it goes 🌱.');
    call.delta('One');
    await follower.until('One');
    expect(await janeThere.message(answer.id)).toMatchObject({ status: 'STREAMING', reasoning: 'So it goes 🌱.' });
    call.finish('length', null);
    await follower.rest();

    const taken = here.provider.takeCall();
    // The other instance continues it, so that the mirror is at this one.
    await janeThere.request(ContinueAnswerDocument, { input: { answerId: answer.id } });
    const more = await taken;
    const again = jane.follow(answer.id, 3);
    more.reasoning('And on.');
    await again.untilReasoning('So it goes 🌱.\n\nAnd on.');
    more.delta(', two');
    await again.untilLength(5);
    FakeProvider.done(more);
    await again.rest();
    expect(again.finished).toMatchObject({ content: 'One, two', reasoning: 'So it goes 🌱.\n\nAnd on.' });
  });

  test('an answer of the other instance can be stopped', async () => {
    const { answer, call } = await askHere('Talk');
    call.delta('I talk and ');
    await janeThere.follow(answer.id).until('I talk and ');
    const { stopAnswer } = await janeThere.request(StopAnswerDocument, { input: { answerId: answer.id } });
    expect(stopAnswer).toMatchObject({ status: 'STOPPED', content: 'I talk and ' });
  });

  test('a follower at either instance gets NOT_FOUND when the conversation is deleted at the other', async () => {
    const { answer, conversation, call } = await askHere('Delete me');
    const followers = [jane.follow(answer.id), janeThere.follow(answer.id)];
    call.delta('x');
    for (const follower of followers) await follower.until('x');
    await janeThere.request(DeleteConversationDocument, { input: { id: conversation.id } });
    for (const follower of followers)
      await expect(follower.rest()).rejects.toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    FakeProvider.done(call);
  });

  test('logoutAll closes the sockets of the other instance', async () => {
    const { answer, call } = await askHere('Secret');
    const follower = janeThere.follow(answer.id);
    call.delta('x');
    await follower.until('x');
    await jane.request(LogoutAllDocument);
    await expect(follower.rest()).rejects.toMatchObject({ code: 4403 });
    FakeProvider.done(call);
  });

  test('conversation updates reach the other instance', async () => {
    const updates = await janeThere.watch();
    const { conversation } = await jane.ask('New', { stream: false });
    expect(await updates.next()).toMatchObject({ type: 'CREATED', conversationId: conversation.id, ownSession: true });
    updates.stop();
  });

  test('rate limits count the requests of both instances', async () => {
    const codes: unknown[] = [];
    for (let i = 0; i < 21; i += 1) {
      const client = i % 2 ? jane : janeThere;
      codes.push(
        await client.ask(`Question ${i}`, { stream: false }).then(
          () => null,
          (error: { response: { errors: { extensions: { code: string } }[] } }) =>
            error.response.errors[0]!.extensions.code,
        ),
      );
    }
    expect(codes).toEqual([...Array<null>(20).fill(null), 'RATE_LIMITED']);
  });

  if (kind === 'a Redis Cluster') return;

  test('without Redis an answer is still generated, stored and delivered to its follower', async () => {
    const { answer, call } = await askHere('Alone');
    const follower = janeThere.follow(answer.id);
    call.delta('Before ');
    await follower.until('Before ');
    await stopRedis();
    expect((await fetch(`${here.url}/readyz`)).status).toBe(503);
    call.delta('during');
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Before during' });
    expect((await janeThere.ask('Another', { stream: false })).answer.status).toBe('COMPLETED');
    await restartRedis();
  });

  test('without Redis an answer of the other instance can still be stopped', async () => {
    const { answer, call, conversation } = await askHere('Talk on');
    const follower = jane.follow(answer.id);
    call.delta('I talk and ');
    await follower.until('I talk and ');
    await until(async () => (await janeThere.message(answer.id)).content !== '');
    await stopRedis();
    const { stopAnswer } = await janeThere.request(StopAnswerDocument, { input: { answerId: answer.id } });
    expect(stopAnswer).toMatchObject({ status: 'STOPPED', content: 'I talk and ' });
    // The instance that was generating it notices at its next heartbeat.
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'STOPPED', content: 'I talk and ' });
    const next = await janeThere.ask('And now?', { conversationId: conversation.id, stream: false });
    expect(next.answer).toMatchObject({ status: 'COMPLETED', error: null });
    await restartRedis();
  });

  test('followers catch up with a running answer after Redis has restarted without its data', async () => {
    const { answer, call } = await askHere('Back again');
    const follower = janeThere.follow(answer.id);
    call.delta('Before ');
    await follower.until('Before ');
    await stopRedis();
    call.delta('during ');
    await restartRedis();
    await follower.until('Before during ');
    const late = janeThere.follow(answer.id);
    await late.until('Before during ');
    call.delta('after');
    await Promise.all([follower.until('Before during after'), late.until('Before during after')]);
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Before during after' });
  });

  test('without Redis an answer is stored, and the server shuts down', async () => {
    const redis = await RedisProcess.start();
    const server = await TestServer.start({ DATABASE_URL: 'sqlite::memory:', REDIS_URL: redis.url });
    const john = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await john.ask('The last one');
    const call = await taken;
    call.delta('Before ');
    await john.follow(answer.id).until('Before ');
    await redis[Symbol.asyncDispose]();
    call.delta('after');
    FakeProvider.done(call);
    await john.follow(answer.id).rest();
    expect(await john.message(answer.id)).toMatchObject({ status: 'COMPLETED', content: 'Before after' });
    await server[Symbol.asyncDispose]();
  });

  test('a connection without replies is replaced', async () => {
    await using redis = await RedisProcess.start();
    await using proxy = await TcpProxy.start(redis.url);
    await using server = await TestServer.start({
      DATABASE_URL: 'sqlite::memory:',
      REDIS_URL: proxy.through(redis.url),
    });
    const readiness = async () => (await fetch(`${server.url}/readyz`)).status;
    expect(await readiness()).toBe(200);
    proxy.strand();
    expect(await readiness()).toBe(503);
    while ((await readiness()) !== 200);
  });

  test('a new handler of a channel receives messages while the old one is being disposed of', async () => {
    await using redis = await RedisProcess.start();
    const log = createLog({ level: 'silent', format: 'json', secrets: [] });
    await using connection = await RedisConnection.open({ url: redis.url, prefix: '' }, log);
    const old: string[] = [];
    const disposing = connection.channels.listen('channel', (text) => old.push(text));
    const disposed = disposing.then((listening) => listening[Symbol.asyncDispose]());
    const received = Promise.withResolvers<string>();
    await connection.channels.listen('channel', received.resolve);
    await disposed;
    await connection.client.spublish('channel', 'hello');
    expect(await received.promise).toBe('hello');
    expect(old).toEqual([]);
  });

  test('a server does not start without its Redis and says what to check', async () => {
    const redis = await RedisProcess.start();
    await redis[Symbol.asyncDispose]();
    await expect(TestServer.start({ DATABASE_URL: 'sqlite::memory:', REDIS_URL: redis.url })).rejects.toThrow(
      /^Redis is unreachable \(.*ECONNREFUSED.*\): check REDIS_URL\.$/,
    );
  });

  test('a server does not start with a wrong Redis password', async () => {
    await using redis = await RedisProcess.start('--requirepass', 'the right one');
    const url = redis.url.replace('//', '//:the%20wrong%20one@');
    const starting = TestServer.start({ DATABASE_URL: 'sqlite::memory:', REDIS_URL: url });
    await expect(starting).rejects.toThrow(/^Redis is unreachable \(WRONGPASS/);
    await using server = await TestServer.start({
      DATABASE_URL: 'sqlite::memory:',
      REDIS_URL: url.replace('wrong', 'right'),
    });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  test('a Redis that accepts connections but does not reply delays no answer', async () => {
    const { answer, call } = await askHere('Silence');
    const follower = janeThere.follow(answer.id);
    call.delta('Before ');
    await follower.until('Before ');
    nodes[0]!.pause();
    const asked = await janeThere.ask('Meanwhile', { stream: false });
    expect(asked.answer.status).toBe('COMPLETED');
    call.delta('during');
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Before during' });
    nodes[0]!.resume();
  });
});
