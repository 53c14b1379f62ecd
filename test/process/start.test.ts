import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEEP_ALIVE } from '../../src/server.js';
import { Instance } from '../kit/instance.js';

describe('the process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const instances: Instance[] = [];
  afterEach(() => Promise.all(instances.splice(0).map((instance) => instance.kill())));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A server process with these settings alone. */
  function start(settings: Record<string, string>): Instance {
    const instance = new Instance(folder, { DATABASE_URL: `sqlite:${join(folder, 'parley.db')}`, ...settings });
    instances.push(instance);
    return instance;
  }

  test('says where the API and the playground are, and that the demo model answers; ends with 0 on SIGTERM', async () => {
    const server = start({});
    await server.started;
    expect(server.output).toMatch(/API .*\/graphql/);
    expect(server.output).toMatch(/Playground .*\/graphql/);
    expect(server.output).toMatch(/demo.*OPENAI_API_KEY/);
    const { status, headers } = await fetch(`${server.url}/healthz`);
    expect(status).toBe(200);
    expect(headers.get('keep-alive')).toBe(`timeout=${KEEP_ALIVE / 1000}`);
    expect(await server.stop()).toBe(0);
  });

  test('production without its secret and a provider ends with 1, before it listens, and says what to set', async () => {
    const server = start({ NODE_ENV: 'production' });
    expect(await server.exited).toBe(1);
    expect(server.output).toContain('JWT_SECRET');
    expect(server.output).toContain('OPENAI_API_KEY');
    expect(server.output).not.toContain('    at ');
  });

  test('production has no playground and no introspection', async () => {
    const server = start({
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      JWT_SECRET: 'x'.repeat(40),
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
    });
    await server.started;
    const page = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
    expect(page.headers.get('content-type')).not.toContain('text/html');
    const introspection = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __schema { queryType { name } } }' }),
    });
    expect(await introspection.json()).toHaveProperty('errors.0.extensions.code', 'GRAPHQL_VALIDATION_FAILED');
    expect(await server.stop()).toBe(0);
  });

  test('SIGTERM ends it also while it starts', async () => {
    // It takes connections, and never says a word.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const server = start({ REDIS_URL: `redis://127.0.0.1:${port}` });
    await once(silent, 'connection');
    expect(await server.stop()).toBe(0);
    expect(server.output).toBe('');
    silent.close();
  });

  test('a PostgreSQL that cannot be reached is told in one line, without the password, and ends with 1', async () => {
    const server = start({ DATABASE_URL: 'postgres://jane:a-secret-password@127.0.0.1:1/parley' });
    expect(await server.exited).toBe(1);
    expect(server.output).toMatch(
      /^.*database at 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\).*DATABASE_URL.*\n$/,
    );
    expect(server.output).not.toContain('a-secret-password');
  });

  test('a port that is taken is told in one line, and ends with 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const server = start({ PORT: String(port) });
    expect(await server.exited).toBe(1);
    expect(server.output).toContain(`Port ${port} is taken`);
    expect(server.output).not.toContain('    at ');
    taken.close();
  });
});
