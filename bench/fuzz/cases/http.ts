import { Received } from '../connection.js';
import { createOperation } from '../operations.js';
import type { Random } from '../random.js';
import { createText, mutate } from '../values.js';
import type { FuzzKind } from '../world.js';

/** How long the connection is kept after the last byte: an incomplete request gets no response. */
const QUIET_MS = 120;

const METHODS = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'PRI',
  'get',
  'G T',
  '',
];

const PATHS = [
  '/graphql', '/graphql', '/graphql', '/graphql/', '/graphql/stream', '/graphql//stream', '/', '*', '', '//', '/healthz', '/readyz',
  '/metrics', '/exports/x', '/exports/', '/exports/%00', '/exports/%zz', '/graphql/playground/', '/graphql/playground/assets/%2e%2e/x',
  '/assets/../../package.json', '/assets/%', '/%', '/%00', '/%c0%af', '/c/x', '/verify-email', '/favicon.ico', 'http://x/graphql',
  'http://[::1/graphql', 'x:443', '//x/graphql', '/\\..', '/graphql?query={__typename}', '/graphql?query=%7B__typename%7D&variables=%',
  '/graphql?query=%7Bme%7Bid%7D%7D&variables=[]&extensions=1', '/graphql?documentId=x', '/graphql/stream?token=x', '/graphql?%',
  '/graphql/stream?token=x&query=%7B__typename%7D', `/${'x'.repeat(9_000)}`,
]; // prettier-ignore

const TOKENS = [
  '\r\n', '\n', '\r', '\0', ' ', ':', '\r\n\r\n', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'GET / HTTP/1.1\r\n\r\n', '\x80', '\t',
  'Transfer-Encoding: chunked\r\n', 'Content-Length: 0\r\n', 'content-length: 99999999999999999999\r\n', 'a'.repeat(300),
]; // prettier-ignore

const HEADERS: (readonly [string, readonly string[]])[] = [
  ['host', ['x', '', 'x:y', '[::1', 'a b', 'localhost:1', '\x80']],
  ['content-type', ['application/json', 'application/json; charset=utf-8', 'application/json; charset=utf-16', 'text/plain', 'application/graphql', 'multipart/form-data; boundary=x', ';', 'application/json,application/json']],
  ['accept', ['*/*', 'application/json', 'application/graphql-response+json', 'text/event-stream', 'text/html', 'application/json;q=x', ';q=', ',', 'multipart/mixed', 'x'.repeat(5_000)]],
  ['content-length', ['0', '5', '-1', '1e3', '0x10', '5, 5', '99999999999999999999', '1048577', ' ']],
  ['transfer-encoding', ['chunked', 'gzip, chunked', 'identity', 'chunked, chunked', 'x']],
  ['content-encoding', ['gzip', 'identity', 'br', 'x']],
  ['connection', ['close', 'keep-alive', 'upgrade', 'x, y', '']],
  ['upgrade', ['websocket', 'h2c', 'WebSocket, h2c', 'x', '']],
  ['sec-websocket-key', ['dGhlIHNhbXBsZSBub25jZQ==', 'x', '']],
  ['sec-websocket-version', ['13', '8', 'x', '']],
  ['sec-websocket-protocol', ['graphql-transport-ws', 'graphql-ws', ',', 'x']],
  ['sec-websocket-extensions', ['permessage-deflate', 'permessage-deflate; x=', ';', 'x']],
  ['authorization', ['Bearer', 'Bearer ', 'Bearer a.b.c', 'Basic eDp5', 'Bearer \x80', 'bearer  x  y']],
  ['x-graphql-event-stream-token', ['x', '', '%', 'a, b', '__proto__']],
  ['origin', ['null', 'http://x', 'http://[', 'x', 'http://localhost:1', 'http://a.localhost']],
  ['expect', ['100-continue', '200-ok', '']],
  ['x-forwarded-for', ['1.2.3.4', 'x', '::', '1.2.3.4, 5.6.7.8', '\x80']],
  ['x-request-id', ['x', '', '\x80', 'y'.repeat(500), '{"a":1}']],
  ['cookie', ['a=b', ';', '=']],
  ['range', ['bytes=0-', 'bytes=5-1', 'x']],
  ['if-none-match', ['*', '"x"', 'W/']],
  ['accept-encoding', ['gzip', 'br;q=x', '*']],
  ['access-control-request-method', ['POST', 'x y']],
  ['apollo-require-preflight', ['1']],
  ['traceparent', ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'x', '00-0-0-0']],
]; // prettier-ignore

/** Sends bytes that resemble requests of HTTP/1.1, in several pieces, and closes the connection in several ways. */
export const fuzzHttp: FuzzKind = async (random, world) => {
  using client = world.createClient(random);
  const requests = random.list(1, random.pick([1, 1, 1, 4, 40]), () => createRequest(random, world.ids, client.token));
  const text = requests.join('');
  const bytes = Buffer.from(random.chance(0.4) ? mutate(random, text, TOKENS) : text, 'latin1');
  const socket = await client.connect();
  const received = new Received(socket, world.now);
  for (const piece of cut(random, bytes)) {
    socket.write(piece);
    if (random.chance(0.3)) await new Promise(setImmediate);
  }
  if (random.chance(0.3)) socket.end();
  else if (random.chance(0.15)) socket.destroy();
  await received.quiet(QUIET_MS);
  world.checkText(received.bytes.toString('latin1'));
};

function createRequest(random: Random, ids: readonly string[], token: string | null): string {
  const body = random.chance(0.8) ? JSON.stringify(createOperation(random, ids)) : createText(random);
  const isChunked = random.chance(0.2);
  const headers = new Map<string, string>([
    ['host', 'x'],
    ['content-type', 'application/json'],
    ...(token === null ? [] : [['authorization', `Bearer ${token}`] as const]),
    isChunked ? ['transfer-encoding', 'chunked'] : ['content-length', String(Buffer.byteLength(body, 'latin1'))],
  ]);
  for (let i = random.int(0, 4); i > 0; i -= 1) {
    const [name, values] = random.pick(HEADERS);
    if (random.chance(0.15)) headers.delete(name);
    else headers.set(name, random.pick(values));
  }
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  if (random.chance(0.05)) lines.push(...random.list(1, 2_500, (i) => `x${i}: y\r\n`));
  if (random.chance(0.05)) lines.push(random.pick(lines));
  const method = random.chance(0.5) ? 'POST' : random.pick(METHODS);
  const path = random.chance(0.5) ? '/graphql' : random.pick(PATHS);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${isChunked ? toChunks(random, body) : body}`;
}

function toChunks(random: Random, body: string): string {
  let text = '';
  for (const piece of cut(random, Buffer.from(body, 'latin1'))) {
    const size = random.chance(0.05) ? random.pick(['x', '-1', 'ffffffffffffffff', '']) : piece.length.toString(16);
    const extension = random.chance(0.1) ? `;${'a=b'.repeat(random.pick([1, 10_000]))}` : '';
    text += `${size}${extension}\r\n${piece.toString('latin1')}\r\n`;
  }
  return `${text}0\r\n${random.chance(0.1) ? 'x-trailer: y\r\n' : ''}\r\n`;
}

/** Cuts bytes into pieces: mostly one, sometimes single bytes. */
function cut(random: Random, bytes: Buffer): Buffer[] {
  const size = random.pick([Infinity, Infinity, 1_000, 100, 1]);
  if (size === Infinity || bytes.length === 0) return [bytes];
  const step = Math.max(size, Math.ceil(bytes.length / 500));
  return Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step));
}
