import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { DisposableList } from '../../src/platform/lifecycle/disposables.js';
import { getUsedMemory } from '../kit/heap.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

const MEBIBYTE = 1024 * 1024;

describe('a client that reads nothing', () => {
  let server: TestServer;
  const opened = new DisposableList();
  beforeAll(async () => void (server = await TestServer.start({ UNSENT_TIMEOUT: '2s' })));
  afterEach(() => opened[Symbol.dispose]());
  afterAll(() => server[Symbol.asyncDispose]());

  /** Opens a WebSocket on one instance, past the balancer, whose buffers would hold the messages. */
  async function openSocket(init: object = {}): Promise<WebSocket> {
    const url = `${server.server.url.replace('http', 'ws')}/graphql`;
    const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
    opened.defer(() => socket.terminate());
    socket.on('error', () => {});
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: init }));
    await once(socket, 'message');
    return socket;
  }

  async function openConnection(): Promise<Socket> {
    const { hostname, port } = new URL(server.server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    opened.defer(() => socket.destroy());
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  test('gets pongs without the payload of its ping if that is large', async () => {
    const jane = await server.user();
    const socket = await openSocket({ authorization: `Bearer ${jane.accessToken}` });
    for (const [payload, expected] of [
      [{ at: 1 }, { at: 1 }],
      [{ text: 'x'.repeat(900_000) }, undefined],
    ]) {
      socket.send(JSON.stringify({ type: 'ping', payload }));
      const [data] = (await once(socket, 'message')) as [Buffer];
      expect(JSON.parse(data.toString())).toEqual({ type: 'pong', ...(expected && { payload: expected }) });
    }
  });

  test('is not read from while it does not read, and is disconnected', async () => {
    const jane = await server.user();
    const { answer } = await jane.ask('x'.repeat(30_000), { stream: false });
    const socket = await openSocket({ authorization: `Bearer ${jane.accessToken}` });
    socket.pause();
    const before = getUsedMemory();
    const query = `{ ${Array.from({ length: 10 }, (_, i) => `a${i}: message(id: "${answer.id}") { content }`).join(' ')} }`;
    const closed = once(socket, 'close');
    // Each result has 300 kB, so that all results together have 600 MB.
    for (let i = 0; i < 2_000; i += 1)
      socket.send(JSON.stringify({ id: `${i}`, type: 'subscribe', payload: { query } }));
    await until(() => server.server.services.connections.size === 0);
    expect(getUsedMemory() - before).toBeLessThan(64 * MEBIBYTE);
    socket.resume();
    await closed;
  });

  test('cannot have responses kept by pipelining requests', async () => {
    const jane = await server.user();
    const { answer } = await jane.ask('x'.repeat(30_000), { stream: false });
    const query = `{ ${Array.from({ length: 15 }, (_, i) => `a${i}: message(id: "${answer.id}") { content }`).join(' ')} }`;
    const body = JSON.stringify({ query });
    const request = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer ${jane.accessToken}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const sockets = await Promise.all(Array.from({ length: 20 }, openConnection));
    const before = getUsedMemory();
    for (const socket of sockets) {
      socket.pause();
      // Each response has 450 kB, so that all responses together have 270 MB.
      socket.write(request.repeat(30));
    }
    // A paused socket notices that it has been closed when it writes.
    await until(() => sockets.every((socket) => socket.destroyed || (socket.write('\r\n'), false)), 80_000);
    expect(getUsedMemory() - before).toBeLessThan(64 * MEBIBYTE);
  });

  test('causes no error in the log when it leaves while its bodies wait for their turns', async () => {
    const body = JSON.stringify({ query: '{ __typename }', variables: { text: 'x'.repeat(100_000) } });
    const head = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const sockets = await Promise.all(Array.from({ length: 100 }, openConnection));
    const sent = sockets.map((socket) => new Promise<void>((resolve) => socket.write(head + body, () => resolve())));
    await Promise.all(sent);
    for (const socket of sockets) socket.destroy();
    await until(async () => (await fetch(`${server.server.url}/readyz`)).status === 200);
    expect(server.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  test('is disconnected when too many of its requests wait', async () => {
    const socket = await openConnection();
    const closed = once(socket, 'close');
    socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000));
    socket.resume();
    await closed;
  });

  test('is disconnected when it does not read that its message is too large, and sends more', async () => {
    const socket = await openSocket();
    socket.pause();
    socket.send('x'.repeat(100_000), { fin: false });
    // A paused socket notices that it has been closed when it writes.
    await until(() => socket.readyState === WebSocket.CLOSED || (socket.send('x', { fin: false }, () => {}), false));
  });
});
