import { readFileSync } from 'node:fs';
import { TestServer } from '../kit/server.js';

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

const PRODUCTION = { NODE_ENV: 'production', HOST: '127.0.0.1', JWT_SECRET: 'x'.repeat(40) };

describe.each([
  ['development', { WEB_CHAT: 'off' }],
  ['production', PRODUCTION],
])('the page at / in %s', (environment, settings) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start(settings);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('links only to addresses that answer', async () => {
    const response = await fetch(server.url, { headers: BROWSER });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const links = [...(await response.text()).matchAll(/<a href="([^"]+)"/g)].map(([, path]) => path!);
    expect(links).toEqual([...(environment === 'development' ? ['/graphql'] : []), '/healthz', '/readyz']);
    for (const path of links) {
      const linked = await fetch(server.url + path, { headers: BROWSER });
      expect({ path, status: linked.status }).toEqual({ path, status: 200 });
    }
  });

  test('names the version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await (await fetch(server.url, { headers: BROWSER })).text()).toContain(version);
  });

  test('loads nothing and cannot be framed', async () => {
    const response = await fetch(server.url, { headers: BROWSER });
    const policy = response.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(await response.text()).not.toMatch(/<script|src=|https?:/);
  });

  test('is a line of text for other clients', async () => {
    const response = await fetch(server.url);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toMatch(/^Parley .*\/graphql.*\n$/);
  });

  test('answers HEAD without a body and refuses POST', async () => {
    const head = await fetch(server.url, { method: 'HEAD', headers: BROWSER });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await fetch(server.url, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('the address of the API', () => {
  test.each(['/graphql/', '/graphql/?from=bookmark'])('serves HTTP at %s', async (path) => {
    await using server = await TestServer.start();
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });

  test('serves the playground, WebSockets and event streams with a trailing slash', async () => {
    await using server = await TestServer.start();
    const page = await fetch(`${server.url}/graphql/`, { headers: BROWSER });
    expect(await page.text()).toContain('playground');
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql/`, 'graphql-transport-ws');
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    socket.close();
    const stream = await fetch(`${server.url}/graphql/stream/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(await stream.text()).toContain('"__typename":"Query"');
  });

  test.each(['/graphql', '/graphql/', '/graphql?query={me{id}}'])(
    'explains itself at %s to a browser in production',
    async (path) => {
      await using server = await TestServer.start(PRODUCTION);
      const response = await fetch(server.url + path, { headers: BROWSER });
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(await response.text()).toBe(
        'This is the GraphQL API of Parley. Send operations as JSON by POST to /graphql.\n',
      );
    },
  );

  test('executes a GET request of a GraphQL client in production', async () => {
    await using server = await TestServer.start(PRODUCTION);
    const response = await fetch(`${server.url}/graphql?query={__typename}`, {
      headers: { accept: 'application/graphql-response+json', 'apollo-require-preflight': '1' },
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });
});
