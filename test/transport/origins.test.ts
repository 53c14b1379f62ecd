import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import { findLines } from '../kit/log-lines.js';
import { TestServer } from '../kit/server.js';

const ALLOWED = [
  'https://chat.example.com',
  'http://localhost:3000',
  'https://a.example.org',
  'https://a.b.example.org',
  'https://xn--bcher-kva.example',
  'capacitor://localhost',
  'tauri://localhost',
  'ionic://localhost:8080',
  'app://bundle',
  'app://-',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
];
const CONFIGURED =
  'https://Chat.example.com/, http://localhost:3000, https://*.example.org, https://bücher.example, capacitor://localhost,' +
  'tauri://localhost,ionic://localhost:8080,app://bundle,app://-,chrome-extension://abcdefghijklmnopabcdefghijklmnop';

const REFUSED = [
  'https://evil.example',
  'http://chat.example.com',
  'https://chat.example.com.evil.example',
  'https://example.org',
  'https://evilexample.org',
  'https://evil.example/.example.org',
  'https://evil.example#.example.org',
  'https://.example.org',
  'https://a.example.org:8443',
  'http://a.example.org',
  'capacitor://evil',
  'app://bundle.evil',
  'null',
];

async function getAllowedOrigin(server: TestServer, path: string, origin: string): Promise<string | null> {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  };
  const preflight = await fetch(server.url + path, { method: 'OPTIONS', headers });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('vary')).toContain('Origin');
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json', accept: 'text/event-stream, application/json' },
    body: JSON.stringify({ query: '{ __typename }' }),
  });
  await response.text();
  const allowed = response.headers.get('access-control-allow-origin');
  expect(preflight.headers.get('access-control-allow-origin')).toBe(allowed);
  return allowed;
}
const connects = (server: TestServer, origin: string): Promise<boolean> =>
  new Promise((resolve) => {
    class Socket extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol, { origin });
      }
    }
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: Socket,
      retryAttempts: 0,
      lazy: false,
      onNonLazyError: () => resolve(false),
    });
    client.on('connected', () => void (resolve(true), client.dispose()));
  });

describe('allowed origins', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start({ CORS_ORIGIN: CONFIGURED })));
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(ALLOWED)('%s may call over HTTP, Server-Sent Events and WebSocket', async (origin) => {
    expect(await getAllowedOrigin(server, '/graphql', origin)).toBe(origin);
    expect(await getAllowedOrigin(server, '/graphql/stream', origin)).toBe(origin);
    expect(await connects(server, origin)).toBe(true);
  });

  test.each(REFUSED)('%s may not', async (origin) => {
    expect(await getAllowedOrigin(server, '/graphql', origin)).toBeNull();
    expect(await getAllowedOrigin(server, '/graphql/stream', origin)).toBeNull();
    expect(await connects(server, origin)).toBe(false);
  });

  test.each([
    '*',
    'null',
    'example.com',
    'https://*',
    'https://*example.com',
    'https://chat.*.example.com',
    'https://chat.example.com/app',
    'https://jane@chat.example.com',
    'wss://chat.example.com',
    'file://localhost',
    'chrome-extension://*',
    'capacitor:localhost',
    'https://chat.example.com,',
  ])('CORS_ORIGIN=%s is refused with its name', (value) => {
    expect(() => readConfiguration({ CORS_ORIGIN: value })).toThrow(/CORS_ORIGIN: ".*" is not an origin; use/);
  });
});

describe('origins of this machine', () => {
  const JWT_SECRET = 'x'.repeat(40);
  const LOOPBACK = ['http://localhost:3000', 'https://localhost:8443', 'http://127.0.0.1:5500', 'http://[::1]:80'];

  test.each([...LOOPBACK, 'http://shop.localhost:3000'])('%s may call in development', async (origin) => {
    await using server = await TestServer.start({ NODE_ENV: 'development', JWT_SECRET });
    expect(await getAllowedOrigin(server, '/graphql', origin)).toBe(origin);
    expect(await getAllowedOrigin(server, '/graphql/stream', origin)).toBe(origin);
    expect(await connects(server, origin)).toBe(true);
  });

  test.each(['http://localhost.example.com', 'http://127.0.0.1.example.com', 'ftp://localhost', 'null'])(
    '%s may not',
    async (origin) => {
      await using server = await TestServer.start({ NODE_ENV: 'development', JWT_SECRET });
      expect(await getAllowedOrigin(server, '/graphql', origin)).toBeNull();
      expect(await connects(server, origin)).toBe(false);
    },
  );

  test('in production they may not, and the log names the setting', async () => {
    await using server = await TestServer.start({ NODE_ENV: 'production', JWT_SECRET });
    const [origin] = LOOPBACK as [string];
    expect(await getAllowedOrigin(server, '/graphql', origin)).toBeNull();
    expect(await connects(server, origin)).toBe(false);
    const refusal = { level: 40, origin, setting: 'CORS_ORIGIN' };
    // A preflight, a request and a WebSocket.
    expect(findLines(server, refusal)).toHaveLength(3);
  });

  test('requests of its own pages are no refusals', async () => {
    await using server = await TestServer.start({ NODE_ENV: 'production', JWT_SECRET });
    await getAllowedOrigin(server, '/graphql', server.url);
    expect(findLines(server, { setting: 'CORS_ORIGIN' })).toEqual([]);
  });
});
