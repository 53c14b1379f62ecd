import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { DisposableList } from '../../src/platform/lifecycle/disposables.js';
import { answerProtocolErrors, protocolOptions } from '../../src/transport/http/protocol-errors.js';
import { TestServer } from '../kit/server.js';

let server: TestServer;
const opened = new DisposableList();
beforeAll(async () => void (server = await TestServer.start()));
afterEach(() => opened[Symbol.dispose]());
afterAll(() => server[Symbol.asyncDispose]());

/**
 * Sends texts to an instance, past the balancer: the first one at once, each of the others when more has been received.
 * Returns what the instance sends until it closes the connection.
 */
async function exchange(first: string, ...others: string[]): Promise<string> {
  return await exchangeWith(Number(new URL(server.server.url).port), first, ...others);
}

async function exchangeWith(port: number, first: string, ...others: string[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  opened.defer(() => socket.destroy());
  socket.on('error', () => {});
  let received = '';
  socket.setEncoding('utf8').on('data', (data: string) => {
    received += data;
    const next = others.shift();
    if (next) socket.write(next);
  });
  socket.write(first);
  await once(socket, 'close');
  return received;
}

const QUERY = '{"query":"{ __typename }"}';
const toRequest = (headers: string, body = QUERY) =>
  `POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;

test.each(['h2c', 'TLS/1.0', 'HTTP/2.0, h2c', 'WebSocket, h2c'])('Upgrade: %s is ignored', async (protocol) => {
  const headers = `Upgrade: ${protocol}\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\nContent-Length: ${QUERY.length}\r\n`;
  const upgrade = toRequest(headers).replace('Connection: close', 'Connection: close, Upgrade, HTTP2-Settings');
  const response = await exchange(upgrade);
  expect(response).toMatch(/^HTTP\/1\.1 200 /);
  expect(response).toContain('{"data":{"__typename":"Query"}}');
});

test('the connection of an ignored upgrade stays usable', async () => {
  const get = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n';
  const upgrade = `${get}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`;
  const response = await exchange(upgrade, `${get}Connection: close\r\n\r\n`);
  expect(response.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
});

test('the body of an ignored upgrade may come later', async () => {
  const headers = `Upgrade: h2c\r\nContent-Length: ${QUERY.length}\r\nExpect: 100-continue\r\n`;
  const upgrade = toRequest(headers, '').replace('Connection: close', 'Connection: close, Upgrade');
  expect(await exchange(upgrade, QUERY)).toContain('{"data":{"__typename":"Query"}}');
});

test.each([
  ['400 for what is not HTTP', 400, 'hello\r\n\r\n'],
  ['400 without a Host', 400, 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['400 for two lengths', 400, toRequest('Content-Length: 1\r\nContent-Length: 2\r\n')],
  ['400 for an invalid chunk', 400, toRequest('Transfer-Encoding: chunked\r\n', 'zz\r\n')],
  ['413 for chunk extensions', 413, toRequest('Transfer-Encoding: chunked\r\n', `1;${'x'.repeat(20_000)}\r\n`)],
  ['417 for an unknown expectation', 417, toRequest('Expect: miracles\r\nContent-Length: 0\r\n', '')],
  ['431 for large headers', 431, toRequest(`X-Large: ${'x'.repeat(20_000)}\r\n`)],
  [
    '400 for a WebSocket without a key',
    400,
    'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ],
])('the response has an x-request-id and a code: %s', async (_description, status, request) => {
  const response = await exchange(request);
  expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(response).toMatch(/\r\nx-request-id: [\w-]+\r\n/i);
  expect(response).toContain('"code":"BAD_USER_INPUT"');
  expect(response.match(/^HTTP\/1\.1 \d/gm)).toHaveLength(1);
});

test('the response has an x-request-id and a code: 408 for a request that stays incomplete', async () => {
  // The timeouts of the server itself are minutes.
  const timeouts = { headersTimeout: 20, requestTimeout: 20, connectionsCheckingInterval: 10 };
  const impatient = createServer({ ...protocolOptions, ...timeouts }, () => {});
  answerProtocolErrors(impatient);
  impatient.listen(0, '127.0.0.1');
  opened.defer(() => impatient.close());
  await once(impatient, 'listening');
  const { port } = impatient.address() as AddressInfo;
  const response = await exchangeWith(port, 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n');
  expect(response).toMatch(/^HTTP\/1\.1 408 /);
  expect(response).toMatch(/\r\nx-request-id: [\w-]+\r\n/i);
});

test('a body that arrives in thousands of tiny chunks is rejected before it is complete', async () => {
  const response = await exchange(toRequest('Transfer-Encoding: chunked\r\n', '1\r\n1\r\n'.repeat(8_193)));
  expect(response).toMatch(/^HTTP\/1\.1 413 /);
  expect(response).toContain('"code":"QUERY_TOO_COMPLEX"');
});

test('a body in some chunks of any size is read whole', async () => {
  const query = `{"query":"{ __typename }","variables":{"x":"${'x'.repeat(100_000)}"}}`;
  const parts = query.match(/.{1,7}(?=.{50000})|.{1,40000}/g)!;
  const body = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
  const response = await exchange(toRequest('Transfer-Encoding: chunked\r\n', `${body}0\r\n\r\n`));
  expect(response).toContain('{"data":{"__typename":"Query"}}');
});
