import { connect } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createClient, type Client } from 'graphql-sse';
import { print } from 'graphql';
import {
  AnswerStreamDocument,
  DeleteConversationDocument,
  LogoutAllDocument,
  MeDocument,
  type AnswerStreamSubscription,
} from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { flood, QUEUED } from '../kit/flood.js';
import { getUsedMemory } from '../kit/heap.js';
import { TestServer } from '../kit/server.js';
import { Follower, type ApiClient } from '../kit/user.js';

describe.each([
  ['distinct connections', false],
  ['a single connection', true],
])('Server-Sent Events over %s', (_mode, singleConnection) => {
  let server: TestServer;
  let jane: ApiClient;
  const clients: Client<boolean>[] = [];
  beforeAll(async () => void (server = await TestServer.start()));
  beforeEach(async () => void (jane = await server.user()));
  afterEach(() => clients.splice(0).forEach((client) => client.dispose()));
  afterAll(() => server[Symbol.asyncDispose]());

  /** The requests of a single connection must reach one instance. */
  const streamUrl = () => `${singleConnection ? server.instances[0]!.url : server.url}/graphql/stream`;

  function sse(token: string | null, retryAttempts = 0): Client<boolean> {
    const client = createClient<boolean>({
      url: streamUrl(),
      singleConnection,
      headers: (): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {}),
      retryAttempts,
    });
    clients.push(client);
    return client;
  }
  function follow(client: Client<boolean>, answerId: string, offset = 0): Follower & { stop: () => void } {
    const follower = new Follower();
    const stop = client.subscribe<AnswerStreamSubscription>(
      { query: print(AnswerStreamDocument), variables: { answerId, offset } },
      {
        next: ({ data, errors }) => (errors ? follower.fail(errors) : follower.push(data!.answerStream)),
        error: (error) => follower.fail(error),
        complete: () => follower.close(),
      },
    );
    return Object.assign(follower, { stop });
  }
  const execute = (
    client: Client<boolean>,
    query: string,
    variables = {},
  ): Promise<{ data?: unknown; errors?: readonly object[] }> =>
    new Promise((resolve, reject) => {
      let last: object = {};
      client.subscribe(
        { query, variables },
        { next: (result) => (last = result), error: reject, complete: () => resolve(last) },
      );
    });

  test('an answer is followed token by token, from any offset', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Over SSE');
    const call = await taken;
    const client = sse(jane.accessToken);
    const follower = follow(client, answer.id);
    for (const text of ['One ', 'One 🌱 ', 'One 🌱 three']) {
      call.delta(text.slice(follower.text.length));
      await follower.until(text);
    }
    const later = follow(client, answer.id, 4);
    await later.next();
    FakeProvider.done(call);
    for (const each of [follower, later]) {
      await each.rest();
      expect(each.finished).toMatchObject({ status: 'COMPLETED', content: 'One 🌱 three' });
    }
    expect(later.all[0]).toMatchObject({ offset: 4 });
  });

  test('queries and mutations work, with the codes and limits of the other transports', async () => {
    const client = sse(jane.accessToken);
    expect(await execute(client, print(MeDocument))).toMatchObject({ data: { me: { email: expect.any(String) } } });
    const mutation =
      'mutation ($q: String!) { askQuestion(input: { question: $q, stream: false }) { answer { content } } }';
    expect(await execute(client, mutation, { q: 'Hi' })).toMatchObject({
      data: { askQuestion: { answer: { content: 'You asked: Hi' } } },
    });
    for (const [query, code] of [
      ['{ me { id ', 'GRAPHQL_PARSE_FAILED'],
      ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
      [`{ ${Array.from({ length: 20 }, (_, i) => `a${i}: me { id }`).join(' ')} }`, 'QUERY_TOO_COMPLEX'],
      ['subscription { answerStream(answerId: "x") { __typename } }', 'NOT_FOUND'],
      ['mutation { askQuestion(input: { question: " " }) { answer { id } } }', 'BAD_USER_INPUT'],
    ]) {
      expect((await execute(client, query!)).errors).toMatchObject([{ extensions: { code } }]);
    }
    expect((await execute(client, mutation, { q: 5 })).errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT', fields: { q: expect.any(String) } } },
    ]);
  });

  test('a stream tells proxies not to buffer and not to transform it', async () => {
    const headers = { authorization: `Bearer ${jane.accessToken}`, accept: 'text/event-stream' };
    const put = { method: 'PUT', headers: { ...headers, accept: 'text/plain' } };
    const token = singleConnection && (await (await fetch(streamUrl(), put)).text());
    for (const query of singleConnection ? [''] : ['{ __typename }', '{ nothing }']) {
      const abort = new AbortController();
      const search = token ? `token=${token}` : `query=${encodeURIComponent(query)}`;
      const stream = await fetch(`${streamUrl()}?${search}`, { headers, signal: abort.signal });
      expect(Object.fromEntries(stream.headers)).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      });
      abort.abort();
    }
  });

  test('unsubscribing ends the subscription on the server', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Stop listening');
    const call = await taken;
    const follower = follow(sse(jane.accessToken), answer.id);
    call.delta('x');
    await follower.until('x');
    follower.stop();
    for (const { services } of server.instances) await services.following.idle(5_000);
    call.delta('y');
    FakeProvider.done(call);
    await jane.follow(answer.id).rest();
  });

  test('ends with NOT_FOUND when the conversation is deleted', async () => {
    const taken = server.provider.takeCall();
    const { conversation, answer } = await jane.ask('Delete me');
    const call = await taken;
    const follower = follow(sse(jane.accessToken), answer.id);
    call.delta('x');
    await follower.until('x');
    await jane.request(DeleteConversationDocument, { input: { id: conversation.id } });
    await expect(follower.rest()).rejects.toMatchObject([
      { path: ['answerStream'], extensions: { code: 'NOT_FOUND', fields: { answerId: 'Answer not found.' } } },
    ]);
    for (const { services } of server.instances) await services.following.idle(5_000);
    expect(server.instances.map(({ services }) => services.following.followers)).toEqual(server.instances.map(() => 0));
    FakeProvider.done(call);
  });

  test('the streams of a session are closed when it ends', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Cut me');
    const call = await taken;
    const follower = follow(sse(jane.accessToken), answer.id);
    call.delta('x');
    await follower.until('x');
    await jane.request(LogoutAllDocument);
    await expect(follower.rest()).rejects.toBeDefined();
    FakeProvider.done(call);
  });

  test('an answer is visible only to its owner', async () => {
    const { answer } = await jane.ask('Mine', { stream: false });
    const mallory = await server.user();
    await expect(follow(sse(mallory.accessToken), answer.id).rest()).rejects.toMatchObject([
      { extensions: { code: 'NOT_FOUND' } },
    ]);
    if (singleConnection) {
      await expect(follow(sse('bad'), answer.id).rest()).rejects.toBeDefined();
      const put = await fetch(streamUrl(), {
        method: 'PUT',
        headers: { authorization: `Bearer ${jane.accessToken}` },
      });
      const token = await put.text();
      const stolen = await fetch(`${streamUrl()}?token=${token}`, {
        headers: { accept: 'text/event-stream', authorization: `Bearer ${mallory.accessToken}` },
      });
      expect(stolen.status).toBe(server.instances.length > 1 ? 409 : 404);
    } else {
      await expect(follow(sse('bad'), answer.id).rest()).rejects.toMatchObject([
        { extensions: { code: 'UNAUTHENTICATED' } },
      ]);
      await expect(follow(sse(null), answer.id).rest()).rejects.toMatchObject([
        { extensions: { code: 'UNAUTHENTICATED' } },
      ]);
    }
  });
});

test('nothing is buffered for an event stream that is not read; later it gets the rest merged', async () => {
  await using server = await TestServer.start({ MAX_OUTPUT_TOKENS: '1000000' });
  const jane = await server.user();
  const taken = server.provider.takeCall();
  const { answer } = await jane.ask('A long one');
  const call = await taken;
  const { hostname, port } = new URL(server.url);
  // Each event has the whole text, so together they exceed the network's buffers.
  const query = 'subscription ($id: ID!) { answerStream(answerId: $id) { ... on AnswerDelta { offset textSoFar } } }';
  const body = JSON.stringify({ query, variables: { id: answer.id } });
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.write(
    `POST /graphql/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n` +
      `Authorization: Bearer ${jane.accessToken}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, 'data');
  socket.pause();
  const before = getUsedMemory();
  await flood(call, jane.follow(answer.id));
  expect(getUsedMemory() - before).toBeLessThan(QUEUED / 2);
  let events = 0;
  let complete = false;
  for await (const line of createInterface(socket)) {
    if (line === 'event: next') events += 1;
    complete = line === 'event: complete';
    if (complete) break;
  }
  expect(complete).toBe(true);
  // One event for each token would be 240; those that it did not read were never created.
  expect(events).toBeLessThan(240);
  socket.destroy();
});

describe('event streams of clients that misbehave', () => {
  const open = async (server: TestServer, jane: ApiClient, body: string, sent = body.length) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, 'connect');
    socket.write(
      `POST /graphql/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n` +
        `Authorization: Bearer ${jane.accessToken}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, sent)}`,
    );
    return socket;
  };

  test('a client that disconnects during an operation does not keep the server from closing', async () => {
    const server = await TestServer.start();
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const query = 'mutation { askQuestion(input: { question: "Gone", stream: false }) { answer { id } } }';
    const socket = await open(server, jane, JSON.stringify({ query }));
    const call = await taken;
    socket.destroy();
    call.delta('x');
    FakeProvider.done(call);
    await server[Symbol.asyncDispose]();
  });

  test('a request whose body is incomplete is closed when its session ends', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const { answer } = await jane.ask('Secret', { stream: false });
    const body = JSON.stringify({ query: print(AnswerStreamDocument), variables: { answerId: answer.id } });
    const socket = await open(server, jane, body, 10);
    let received = '';
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.once('close', resolve));
    while (server.instances.every(({ services }) => services.connections.size === 0)) await new Promise(setImmediate);
    await jane.request(LogoutAllDocument);
    // The connection may be closed already.
    if (socket.writable) socket.write(body.slice(10));
    await closed;
    expect(received).not.toContain('Secret');
  });

  test.each(['__proto__', 'constructor', 'unknown'])('a token that was never issued (%s) is unknown', async (token) => {
    await using server = await TestServer.start();
    const jane = await server.user();
    for (const authorization of [{}, { authorization: `Bearer ${jane.accessToken}` }]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const headers = { 'x-graphql-event-stream-token': token, 'content-type': 'application/json', ...authorization };
        const response = await fetch(`${server.url}/graphql/stream`, { method, headers });
        expect(response.status).toBe(server.instances.length > 1 ? 409 : 404);
      }
    }
  });
});
