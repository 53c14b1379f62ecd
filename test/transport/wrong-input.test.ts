import { once } from 'node:events';
import { WebSocket } from 'ws';
import { DisposableList } from '../../src/platform/lifecycle/disposables.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { ApiClient } from '../kit/user.js';

interface Result {
  status: number;
  errors?: { message: string; extensions: { code: string; fields?: Record<string, string> } }[];
  data?: unknown;
}

let server: TestServer;
let jane: ApiClient;
const opened = new DisposableList();
beforeAll(async () => {
  server = await TestServer.start();
  jane = await server.user();
});
afterEach(() => opened[Symbol.dispose]());
afterAll(() => server[Symbol.asyncDispose]());

const getUrl = (path: string) => `${server.server.url}${path}`;
const getHeaders = () => ({ authorization: `Bearer ${jane.accessToken}`, 'content-type': 'application/json' });

async function post(body: object, path = '/graphql', headers: Record<string, string> = {}): Promise<Result> {
  const init = { method: 'POST', headers: { ...getHeaders(), ...headers }, body: JSON.stringify(body) };
  const response = await fetch(getUrl(path), init);
  const text = await response.text();
  const json = /^data: (.+)$/m.exec(text)?.[1] ?? text;
  return { status: response.status, ...(json && (JSON.parse(json) as object)) };
}

async function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(getUrl('/graphql').replace('http', 'ws'), 'graphql-transport-ws');
  opened.defer(() => socket.terminate());
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${jane.accessToken}` } }));
  await once(socket, 'message');
  return socket;
}

/** Runs an operation by its transport; its result is that of the first event. */
const transports: Record<string, (operation: object) => Promise<Result>> = {
  HTTP: (operation) => post(operation, '/graphql', { accept: 'application/json' }),
  'a WebSocket': async (operation) => {
    const socket = await openSocket();
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: operation }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    const { type, payload } = JSON.parse(data.toString());
    return { status: 200, ...(type === 'error' ? { errors: payload } : payload) };
  },
  'Server-Sent Events': (operation) => post(operation, '/graphql/stream', { accept: 'text/event-stream' }),
  'a single event stream': async (operation) => {
    const token = await (await fetch(getUrl('/graphql/stream'), { method: 'PUT', headers: getHeaders() })).text();
    const url = getUrl(`/graphql/stream?token=${token}`);
    const stream = await fetch(url, { headers: { ...getHeaders(), accept: 'text/event-stream' } });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { status } = await fetch(url, {
      method: 'POST',
      headers: getHeaders(),
      body: JSON.stringify({ ...operation, extensions: { operationId: '1' } }),
    });
    let received = '';
    while (!received.includes('event: complete') && !received.includes('"payload"')) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`The stream ended with ${received}`);
      received += value;
    }
    await reader.cancel();
    return { status, ...(JSON.parse(/^data: (.+)$/m.exec(received)![1]!) as { payload: object }).payload };
  },
};

describe.each(Object.entries(transports))('over %s', (name, send) => {
  test.each([
    ['@include on its root field', 'subscription ($b: Boolean!) { conversationUpdates @include(if: $b) { type } }'],
    ['@skip on its root field', 'subscription ($b: Boolean!) { conversationUpdates @skip(if: $b) { type } }'],
    [
      'a literal @skip',
      'subscription ($b: Boolean = true) { conversationUpdates @skip(if: true) { type @include(if: $b) } }',
    ],
    [
      'a conditional inline fragment',
      'subscription ($b: Boolean!) { ... on Subscription @include(if: $b) { conversationUpdates { type } } }',
    ],
    [
      'a directive within a fragment',
      'subscription ($b: Boolean!) { ...F } fragment F on Subscription { conversationUpdates @skip(if: $b) { type } }',
    ],
  ])('a subscription with %s is invalid', async (_description, query) => {
    for (const variables of [{ b: true }, { b: false }, {}]) {
      const { errors } = await send({ query, variables });
      expect(errors![0]!.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    }
  });

  test('a subscription whose root field is in an inline fragment is answered', async () => {
    const { answer } = await jane.ask('Hi', { stream: false });
    const query = `subscription { ... { answerStream(answerId: "${answer.id}") { __typename } } }`;
    const { data, errors } = await send({ query });
    if (name === 'HTTP') expect(errors![0]!.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    else expect(data).toEqual({ answerStream: { __typename: 'AnswerDelta' } });
  });

  test('a document that nests more deeply than the parser can follow is refused', async () => {
    // Of a length each, because each would be parsed by faster code than the one before it.
    for (const depth of [5_000, 1_900, 5_001]) {
      const { errors } = await send({ query: `{ emailAvailable(email: ${'['.repeat(depth)}` });
      expect(['QUERY_TOO_COMPLEX', 'GRAPHQL_PARSE_FAILED']).toContain(errors![0]!.extensions.code);
    }
  });

  test('validation stops at the first twenty mistakes', async () => {
    const input = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`emali${i}`, 1]));
    const { errors } = await send({
      query: 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }',
      variables: { input },
    });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(Object.keys(errors![0]!.extensions.fields!)).toHaveLength(20);
    const fields = Array.from({ length: 500 }, (_, i) => `emali${i}`).join(' ');
    const unknown = await send({ query: `{ me { ${fields} } }` });
    expect(unknown.errors!.length).toBeLessThanOrEqual(21);
  });

  test('variables with too many values are rejected', async () => {
    const { errors } = await send({
      query: 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }',
      variables: { input: { email: 'a', password: Array.from({ length: 60_000 }, () => null) } },
    });
    expect(errors![0]!.extensions.code).toBe('BAD_USER_INPUT');
  });
});

describe('hostile types', () => {
  const hostile = { toString: 1, valueOf: 1 };
  test.each<[string, object]>([
    ['an object as operationName', { query: '{ __typename }', operationName: hostile }],
    ['a number as operationName', { query: '{ __typename }', operationName: 5 }],
    ['a list as extensions', { query: '{ __typename }', extensions: [] }],
    ['a text as extensions', { query: '{ __typename }', extensions: 'x' }],
    ['a list as variables', { query: '{ __typename }', variables: [1] }],
    ['an object as query', { query: hostile }],
    ['no query', { operationName: 'A' }],
    ['a batch', [{ query: '{ __typename }' }]],
  ])('%s is rejected with 400', async (_description, body) => {
    expect(await post(body)).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    const events = await post(body, '/graphql/stream', { accept: 'text/event-stream' });
    expect(events).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    const socket = await openSocket();
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: body }));
    const [event, code] = await Promise.race([
      once(socket, 'close').then(([code]) => ['close', code as number]),
      once(socket, 'message').then(() => ['message']),
    ]);
    if (event === 'close') expect(code).toBe(4400);
  });

  test('operation ids of other types than string and number are rejected', async () => {
    const token = await (await fetch(getUrl('/graphql/stream'), { method: 'PUT', headers: getHeaders() })).text();
    const path = `/graphql/stream?token=${token}`;
    for (const operationId of [hostile, [], null, true, '', 'x'.repeat(1_000)]) {
      const result = await post({ query: '{ __typename }', extensions: { operationId } }, path);
      expect(result).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    }
    const extensions = encodeURIComponent(JSON.stringify({ operationId: hostile }));
    const get = await fetch(getUrl(`${path}&query={__typename}&extensions=${extensions}`), { headers: getHeaders() });
    expect(get.status).toBe(405);
  });

  test.each([
    ['a message that only servers send', JSON.stringify({ type: 'next', id: '1', payload: {} })],
    ['an unknown message', JSON.stringify({ type: 'nothing' })],
    ['what is not JSON', '{'],
    ['a JSON text', '"x"'],
    ['a subscription without a query', JSON.stringify({ type: 'subscribe', id: '1', payload: {} })],
  ])('%s closes a WebSocket with 4400', async (_description, message) => {
    const socket = await openSocket();
    socket.send(message);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(4400);
  });

  test.each(['HEAD', 'DELETE', 'PUT', 'POST'])('%s does not take a reserved stream', async (method) => {
    const token = await (await fetch(getUrl('/graphql/stream'), { method: 'PUT', headers: getHeaders() })).text();
    const url = getUrl(`/graphql/stream?token=${token}`);
    const headers = { ...getHeaders(), accept: 'text/event-stream' };
    const { status } = await fetch(url, { method, headers });
    expect(status).toBe({ HEAD: 405, DELETE: 406, PUT: 406, POST: 406 }[method]);
    const stream = await fetch(url, { headers });
    expect(stream.status).toBe(200);
    await stream.body!.cancel();
  });
});

describe('limits of a connection', () => {
  test('a message with more values than anything accepts is not parsed', async () => {
    const variables = { a: Array.from({ length: 110_000 }, () => ({})) };
    const body = { query: '{ __typename }', variables };
    expect(await post(body)).toMatchObject({ status: 413, errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] });
    const socket = await openSocket();
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: body }));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1009);
    const text = {
      query: 'query ($a: String) { __typename @skip(if: false) }',
      variables: { a: ',[{"'.repeat(50_000) },
    };
    expect((await post(text)).errors![0]!.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test('a WebSocket without a token may send small messages only', async () => {
    for (const message of ['x'.repeat(100_000), 'y'.repeat(900_000)]) {
      const socket = new WebSocket(getUrl('/graphql').replace('http', 'ws'), 'graphql-transport-ws');
      opened.defer(() => socket.terminate());
      await once(socket, 'open');
      socket.send(message);
      const [code] = (await once(socket, 'close')) as [number];
      expect(code).toBe(1009);
    }
  });

  test('operations beyond the maximum of a connection, or of a user, are rejected until one completes', async () => {
    await using limited = await TestServer.start({
      MAX_SUBSCRIPTIONS_PER_CONNECTION: '3',
      MAX_SUBSCRIPTIONS_PER_USER: '5',
    });
    const { url } = limited.server;
    const anna = await limited.user();
    const taken = limited.provider.takeCall();
    const { answer } = await anna.ask('Go on');
    (await taken).delta('x');
    const clients = Array.from({ length: 2 }, () => new ApiClient(url, anna.accessToken));
    for (const client of clients) opened.defer(() => void client[Symbol.asyncDispose]());
    const follow = (client: ApiClient) => {
      let stop!: () => void;
      const outcome = new Promise<unknown>((resolve) => {
        const query = `subscription { answerStream(answerId: "${answer.id}") { __typename } }`;
        stop = client.subscribe(query, {}, { next: resolve, error: resolve, complete: () => resolve('complete') });
      });
      return { outcome, stop };
    };
    const refused = [{ extensions: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) } }];
    const first = Array.from({ length: 3 }, () => follow(clients[0]!));
    for (const { outcome } of first) expect(await outcome).toHaveProperty('answerStream');
    expect(await follow(clients[0]!).outcome).toMatchObject(refused);
    first[0]!.stop();
    await until(async () => 'answerStream' in ((await follow(clients[0]!).outcome) as object));
    for (let i = 0; i < 2; i += 1) expect(await follow(clients[1]!).outcome).toHaveProperty('answerStream');
    expect(await follow(clients[1]!).outcome).toMatchObject(refused);
  });

  /** Opens a WebSocket; returns `open`, or the message of the error. */
  async function tryToOpen(url: string, headers = {}): Promise<string> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    opened.defer(() => socket.terminate());
    return await new Promise((resolve) => {
      socket.once('open', () => resolve('open'));
      socket.on('error', ({ message }) => resolve(message));
    });
  }

  test('connections beyond the maximum of an address are refused with an error', async () => {
    await using limited = await TestServer.start({ MAX_CONNECTIONS_PER_ADDRESS: '3' });
    const { url } = limited.server;
    for (let i = 0; i < 3; i += 1) expect(await tryToOpen(url)).toBe('open');
    expect(await tryToOpen(url)).toMatch('429');
    const response = await fetch(`${url}/graphql?query={__typename}`);
    expect(response.status).toBe(429);
    expect(response.headers.get('x-request-id')).toBeTruthy();
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) } }],
    });
    opened[Symbol.dispose]();
    await until(async () => (await fetch(`${url}/readyz`)).status === 200);
  });

  test('connections beyond the maximum of the server are refused with an error', async () => {
    await using limited = await TestServer.start({ MAX_CONNECTIONS: '3' });
    const { url } = limited.server;
    for (let i = 0; i < 3; i += 1) expect(await tryToOpen(url)).toBe('open');
    expect(await tryToOpen(url)).toMatch('503');
  });

  test('behind a proxy, connections are counted by the address that the proxy reports, IPv6 by /64', async () => {
    await using limited = await TestServer.start({ MAX_CONNECTIONS_PER_ADDRESS: '2', TRUST_PROXY: '1' });
    const open = (address: string) => tryToOpen(limited.server.url, { 'x-forwarded-for': address });
    expect(await open('2001:db8:0:1::1')).toBe('open');
    expect(await open('2001:db8:0:1::2')).toBe('open');
    expect(await open('2001:db8:0:1::3')).toMatch('429');
    expect(await open('2001:db8:0:2::1')).toBe('open');
  });
});
