import { brotliDecompressSync } from 'node:zlib';
import { get } from 'node:http';
import { TestServer } from '../kit/server.js';

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

describe('the files of the web chat', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const getScript = async () => {
    const page = await (await fetch(server.url, { headers: BROWSER })).text();
    return /src="(\/assets\/[^"]+\.js)"/.exec(page)![1]!;
  };

  test.each([
    '/',
    '/sign-in',
    '/c/01a2006f-0407-70ec-a625-f52944e3aca3',
    '/account/',
    '/forgot-password',
    '/reset-password',
    '/verify-email',
    '/identity',
  ])('are served to browsers at %s, with a policy that allows nothing inline', async (path) => {
    const response = await fetch(server.url + path, { headers: BROWSER });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('vary')).toContain('accept');
    const policy = response.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    const page = await response.text();
    expect(page).not.toMatch(/<script>|<style|style=|https?:\/\/(?!www\.w3\.org)/);
  });

  test('are not served at other paths, and to other clients', async () => {
    expect((await fetch(`${server.url}/c/../../etc/passwd`, { headers: BROWSER })).status).toBe(404);
    expect((await fetch(`${server.url}/wp-admin`, { headers: BROWSER })).status).toBe(404);
    expect(await (await fetch(server.url)).text()).toMatch(/^Parley .*\n$/);
    expect((await fetch(`${server.url}/assets/..%2f..%2fpackage.json`)).status).toBe(404);
    expect((await fetch(`${server.url}/sign-in`, { method: 'POST', headers: BROWSER })).status).toBe(404);
  });

  test('are kept by browsers, because their names contain a hash', async () => {
    const response = await fetch(server.url + (await getScript()));
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await fetch(`${server.url}/assets/none.js`)).headers.get('cache-control')).toBeNull();
  });

  test('are sent compressed', async () => {
    const script = await getScript();
    const compressed = await new Promise<Buffer>((resolve, reject) => {
      get(server.url + script, { headers: { 'accept-encoding': 'gzip, br' } }, (response) => {
        expect(response.headers['content-encoding']).toBe('br');
        expect(response.headers['vary']).toContain('Accept-Encoding');
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)));
      }).on('error', reject);
    });
    const plain = await (await fetch(server.url + script, { headers: { 'accept-encoding': 'identity' } })).text();
    expect(brotliDecompressSync(compressed).toString()).toBe(plain);
  });

  test('are not served with WEB_CHAT=off', async () => {
    const script = await getScript();
    await using other = await TestServer.start({ WEB_CHAT: 'off' });
    expect(await (await fetch(other.url, { headers: BROWSER })).text()).toContain('<h1>Parley');
    for (const path of ['/sign-in', script])
      expect((await fetch(other.url + path, { headers: BROWSER })).status).toBe(404);
  });
});
