import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogoutAllDocument, StopAnswerDocument } from '../../src/client/generated/graphql.js';
import { Disposables } from '../../src/platform/lifecycle/disposables.js';
import { RedisConnection } from '../../src/platform/redis/connection.redis.js';
import { createLog } from '../../src/platform/telemetry/log.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { describeRedis, RedisProcess } from '../kit/redis.js';
import { TestServer } from '../kit/server.js';
import { TcpProxy } from '../kit/tcp-proxy.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

/** What instances tell each other through Redis; the database is a file that both have open. */
describeRedis.each(['a single Redis', 'a Redis Cluster'])('two instances share %s', (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const opened = new Disposables();
  let nodes: RedisProcess[];
  let here: TestServer;
  let there: TestServer;
  let jane: ApiClient;
  /** The same person, at the other instance. */
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
  const gone = async () => await Promise.all(nodes.map((node) => node.stop()));
  const back = async () => {
    // A Cluster needs its nodes' own files to come back as one.
    await Promise.all(nodes.map((node) => node.start()));
    await until(async () => (await fetch(`${here.url}/readyz`)).status === 200);
  };

  test('an answer is followed at the other instance, token by token, from any offset', async () => {
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

  test('an answer that another instance generates is stopped', async () => {
    const { answer, call } = await askHere('Talk');
    call.delta('I talk and ');
    await janeThere.follow(answer.id).until('I talk and ');
    const { stopAnswer } = await janeThere.request(StopAnswerDocument, { input: { answerId: answer.id } });
    expect(stopAnswer).toMatchObject({ status: 'STOPPED', content: 'I talk and ' });
  });

  test('logging out everywhere cuts the sockets of the other instance', async () => {
    const { answer, call } = await askHere('Secret');
    const follower = janeThere.follow(answer.id);
    call.delta('x');
    await follower.until('x');
    await jane.request(LogoutAllDocument);
    await expect(follower.rest()).rejects.toMatchObject({ code: 4403 });
    FakeProvider.done(call);
  });

  test('what happens to conversations is told at the other instance', async () => {
    const told = new Promise<unknown>((resolve, reject) =>
      janeThere.subscribe(
        'subscription { conversationUpdates { type conversationId } }',
        {},
        { next: resolve, error: reject, complete: () => {} },
      ),
    );
    // The subscription is there once an operation behind it on the same socket has been answered.
    await janeThere.over('{ me { id } }');
    const { conversation } = await jane.ask('New', { stream: false });
    expect(await told).toEqual({ conversationUpdates: { type: 'CREATED', conversationId: conversation.id } });
  });

  test('a rate limit counts for both together', async () => {
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

  test('Redis gone: the answer goes on and is stored, and its follower gets it', async () => {
    const { answer, call } = await askHere('Alone');
    const follower = janeThere.follow(answer.id);
    call.delta('Before ');
    await follower.until('Before ');
    await gone();
    expect((await fetch(`${here.url}/readyz`)).status).toBe(503);
    call.delta('during');
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Before during' });
    expect((await janeThere.ask('Another', { stream: false })).answer.status).toBe('COMPLETED');
    await back();
  });

  test('Redis gone: an answer of the other instance is stopped all the same', async () => {
    const { answer, call, conversation } = await askHere('Talk on');
    const follower = jane.follow(answer.id);
    call.delta('I talk and ');
    await follower.until('I talk and ');
    await until(async () => (await janeThere.message(answer.id)).content !== '');
    await gone();
    const { stopAnswer } = await janeThere.request(StopAnswerDocument, { input: { answerId: answer.id } });
    expect(stopAnswer).toMatchObject({ status: 'STOPPED', content: 'I talk and ' });
    // The instance that was generating it hears of it, too.
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'STOPPED', content: 'I talk and ' });
    const next = await janeThere.ask('And now?', { conversationId: conversation.id, stream: false });
    expect(next.answer).toMatchObject({ status: 'COMPLETED', error: null });
    await back();
  });

  test('Redis gone and back, with nothing that it held: followers catch up while the answer goes on', async () => {
    const { answer, call } = await askHere('Back again');
    const follower = janeThere.follow(answer.id);
    call.delta('Before ');
    await follower.until('Before ');
    await gone();
    call.delta('during ');
    await back();
    await follower.until('Before during ');
    const late = janeThere.follow(answer.id);
    await late.until('Before during ');
    call.delta('after');
    await Promise.all([follower.until('Before during after'), late.until('Before during after')]);
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Before during after' });
  });

  test('Redis gone for good: an answer is stored, and the server ends', async () => {
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

  test('a Redis whose host has vanished is left for the one that took its address', async () => {
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

  test('who listens again while the last one is on his way out hears everything', async () => {
    await using redis = await RedisProcess.start();
    const log = createLog({ level: 'silent', format: 'json', secrets: [] });
    await using connection = await RedisConnection.open({ url: redis.url, prefix: '' }, log);
    const heard: string[] = [];
    const leaving = connection.channels.listen('channel', (text) => heard.push(`old ${text}`));
    const left = leaving.then((listening) => listening[Symbol.asyncDispose]());
    const told = Promise.withResolvers<string>();
    await connection.channels.listen('channel', told.resolve);
    await left;
    await connection.client.spublish('channel', 'hello');
    expect(await told.promise).toBe('hello');
    expect(heard).toEqual([]);
  });

  test('a server does not start without its Redis, and says what to look at', async () => {
    const redis = await RedisProcess.start();
    await redis[Symbol.asyncDispose]();
    await expect(TestServer.start({ DATABASE_URL: 'sqlite::memory:', REDIS_URL: redis.url })).rejects.toThrow(
      /^Redis is out of reach \(.*ECONNREFUSED.*\): look at REDIS_URL\.$/,
    );
  });

  test('nor with a password that is wrong', async () => {
    await using redis = await RedisProcess.start('--requirepass', 'the right one');
    const url = redis.url.replace('//', '//:the%20wrong%20one@');
    const starting = TestServer.start({ DATABASE_URL: 'sqlite::memory:', REDIS_URL: url });
    await expect(starting).rejects.toThrow(/^Redis is out of reach \(WRONGPASS/);
    await using server = await TestServer.start({
      DATABASE_URL: 'sqlite::memory:',
      REDIS_URL: url.replace('wrong', 'right'),
    });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  test('Redis that keeps its connections and says nothing holds nobody up', async () => {
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
