import { once } from 'node:events';
import type { WebSocket } from 'ws';
import { DisposableList } from '../../src/platform/lifecycle/disposables.js';
import { readMessage as readClientMessage } from '../../src/transport/websocket/client-message.js';
import { TestServer } from '../kit/server.js';
import { openSignedInSocket } from '../kit/signed-in-socket.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

const QUERY = `subscription ($after: String) {
  conversationUpdates { type conversation { messages(first: 1, after: $after) { nodes { id } } } }
}`;

/** Two of them exceed the limit of one MiB. */
const LARGE = { query: QUERY, variables: { after: 'x'.repeat(600_000) } };
const SMALL = { query: QUERY, variables: {} };

/** Takes a few bytes in a message each, and many times that in memory. */
const OBJECTS = Array.from({ length: 30_000 }, () => ({}));

describe('operations in progress', () => {
  let server: TestServer;
  let jane: ApiClient;
  const opened = new DisposableList();
  beforeEach(async () => {
    server = await TestServer.start({
      MAX_INCOMING_BYTES_PER_ADDRESS: String(1024 * 1024),
      MAX_CONNECTIONS_PER_ADDRESS: '12',
    });
    jane = await server.user();
  });
  afterEach(async () => {
    opened[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });

  async function openSocket(): Promise<{ send: (...messages: object[]) => void; next: () => Promise<object> }> {
    const { socket } = await openSignedInSocket(server.server.url, jane.accessToken!);
    opened.defer(() => socket.terminate());
    return {
      send: (...messages) => messages.forEach((message) => socket.send(JSON.stringify(message))),
      next: () => readMessage(socket),
    };
  }

  const request = (method: string, path = '', body?: object) =>
    fetch(`${server.server.url}/graphql/stream${path}`, {
      method,
      headers: {
        authorization: `Bearer ${jane.accessToken}`,
        'content-type': 'application/json',
        accept: method === 'GET' ? 'text/event-stream' : '*/*',
      },
      body: body && JSON.stringify(body),
    });

  const subscribe = (id: string, payload: object) => ({ id, type: 'subscribe', payload });
  const complete = (id: string) => ({ id, type: 'complete' });
  const ready = (id: string) => ({ id, type: 'next', payload: { data: { conversationUpdates: { type: 'READY' } } } });
  const limited = { extensions: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) } };

  test('of one address are refused over a WebSocket when they are too large, until one ends', async () => {
    const [first, second] = [await openSocket(), await openSocket()];
    first.send(subscribe('1', LARGE));
    expect(await first.next()).toMatchObject(ready('1'));
    second.send(subscribe('2', LARGE));
    expect(await second.next()).toEqual({ id: '2', type: 'error', payload: [expect.objectContaining(limited)] });
    second.send(subscribe('3', SMALL));
    expect(await second.next()).toMatchObject(ready('3'));
    first.send(complete('1'));
    await until(async () => {
      second.send(subscribe('4', LARGE));
      return ((await second.next()) as { type: string }).type === 'next';
    });
  });

  test('are refused over Server-Sent Events as well, and what waits for its stream counts', async () => {
    const token = await (await request('PUT')).text();
    const post = (operationId: string, operation: object) =>
      request('POST', `?token=${token}`, { ...operation, extensions: { operationId } });
    expect((await post('1', LARGE)).status).toBe(202);
    const refused = await post('2', LARGE);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBeTruthy();
    expect(await refused.json()).toMatchObject({ errors: [limited] });
    // The message of an operation with mistakes waits together with its errors.
    expect((await post('3', { ...LARGE, query: '{ unknown }' })).status).toBe(429);
    expect((await post('4', { ...SMALL, query: '{ unknown }' })).status).toBe(202);
    const distinct = await request('POST', '', LARGE);
    expect(await distinct.text()).toContain('RATE_LIMITED');
  });

  test('are as large as what their message becomes in memory, on all transports', async () => {
    for (const rest of [{ variables: { unused: OBJECTS } }, { extensions: { unused: OBJECTS } }]) {
      const response = await fetch(`${server.server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ __typename }', ...rest }),
      });
      expect(response.status).toBe(429);
      expect(await response.json()).toMatchObject({ errors: [limited] });
    }
    const socket = await openSocket();
    socket.send(subscribe('1', { ...SMALL, extensions: { unused: OBJECTS } }));
    expect(await socket.next()).toEqual({ id: '1', type: 'error', payload: [expect.objectContaining(limited)] });
    const distinct = await request('POST', '', { ...SMALL, extensions: { unused: OBJECTS } });
    expect(await distinct.text()).toContain('RATE_LIMITED');
  });

  test('keep nothing of their message that the protocol does not have', async () => {
    const payload = { query: QUERY, documentId: 'a', operationName: 'b', variables: {}, extensions: {} };
    const read = (message: object) => readClientMessage(JSON.stringify(message));
    expect(read({ ...subscribe('1', { ...payload, unused: OBJECTS }), unused: OBJECTS })).toEqual(
      subscribe('1', payload),
    );
    expect(read({ type: 'connection_init', payload: { authorization: 'Bearer x', unused: OBJECTS } })).toEqual({
      type: 'connection_init',
      payload: { authorization: 'Bearer x' },
    });
    expect(read({ type: 'ping', payload: { any: 'thing' } })).toEqual({ type: 'ping', payload: { any: 'thing' } });
    for (const text of ['{', '[]', 'null', '"{}"']) expect(readClientMessage(text)).toBe(text);
    const response = await fetch(`${server.server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __typename }', unused: OBJECTS }),
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });

  test('are handled in the order of their messages, although large ones take turns', async () => {
    const socket = await openSocket();
    socket.send(subscribe('1', LARGE), complete('1'), subscribe('2', LARGE), complete('2'), subscribe('3', SMALL));
    expect(await socket.next()).toMatchObject(ready('3'));
  });

  test('have ids of at most 200 characters', async () => {
    const socket = await openSocket();
    const id = 'x'.repeat(201);
    socket.send(subscribe(id, SMALL));
    const error = { extensions: { code: 'BAD_USER_INPUT', fields: { id: expect.any(String) } } };
    expect(await socket.next()).toEqual({ id, type: 'error', payload: [expect.objectContaining(error)] });
    socket.send(subscribe('x'.repeat(200), SMALL));
    expect(await socket.next()).toMatchObject({ type: 'next' });
  });

  test('wait in no more reserved streams than their address may have connections', async () => {
    const reserved: string[] = [];
    let response = await request('PUT');
    while (response.status === 201) {
      reserved.push(await response.text());
      response = await request('PUT');
    }
    // The other connections are those of the requests.
    expect(reserved.length).toBeLessThan(12);
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({
      errors: [{ ...limited, message: expect.stringMatching('address') }],
    });
    const stream = await request('GET', `?token=${reserved[0]}`);
    expect(stream.status).toBe(200);
    await stream.body!.cancel();
    await until(async () => (await request('PUT')).status === 201);
  });
});

async function readMessage(socket: WebSocket): Promise<object> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return JSON.parse(data.toString()) as object;
}
