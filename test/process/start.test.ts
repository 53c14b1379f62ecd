import { mkdtempSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEEP_ALIVE_TIMEOUT_MS } from '../../src/server.js';
import { Instance } from '../kit/instance.js';

describe('the process at startup', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const instances: Instance[] = [];
  afterEach(() => Promise.all(instances.splice(0).map((instance) => instance.kill())));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Starts a server process with these settings and no others. */
  function start(settings: Record<string, string>, cwd = folder): Instance {
    const instance = new Instance(cwd, { DATABASE_URL: `sqlite:${join(folder, 'parley.db')}`, ...settings });
    instances.push(instance);
    return instance;
  }

  test('prints the greeting of the README, and exits with 0 on SIGTERM', async () => {
    const server = start({ DATABASE_URL: '' });
    await server.started;
    const [, greeting] = /```\n(\n* {2}Parley is running\.[^]*?)```/.exec(readFileSync('README.md', 'utf8'))!;
    expect(server.output).toContain(greeting!.replaceAll('http://127.0.0.1:4000', server.url));
    const { status, headers } = await fetch(`${server.url}/healthz`);
    expect(status).toBe(200);
    expect(headers.get('keep-alive')).toBe(`timeout=${KEEP_ALIVE_TIMEOUT_MS / 1000}`);
    expect(await server.stop()).toBe(0);
  });

  test('production without a secret and a provider exits with 1 and prints the missing settings', async () => {
    const server = start({ NODE_ENV: 'production' });
    expect(await server.exited).toBe(1);
    expect(server.output).toContain('JWT_SECRET');
    expect(server.output).toContain('OPENAI_API_KEY');
    expect(server.output).not.toContain('    at ');
  });

  test('mistakes in .env and in the environment are reported together, without the text of a line', async () => {
    const cwd = mkdtempSync(join(folder, 'env-'));
    const lines = [
      '\ufeff# comment',
      'export ASSISTANT=general',
      '',
      'sk-a-key-that-was-pasted',
      'NOTES="several',
      'lines"',
      'OPENAI_MODLE=gpt-4o',
      'POSTGRES_PASSWORD=of-another-program',
      'LOG_LEVEL: debug',
    ];
    await writeFile(join(cwd, '.env'), lines.join('\r\n'));
    const server = start({ PORT: 'many' }, cwd);
    expect(await server.exited).toBe(1);
    expect(server.output.trim().split('\n')).toEqual([
      'Invalid configuration:',
      '  - .env line 4: expected NAME=VALUE, or # before a comment',
      '  - .env line 9: expected NAME=VALUE, or # before a comment',
      '  - OPENAI_MODLE: unknown setting in .env; did you mean OPENAI_MODEL?',
      expect.stringMatching(/^ {2}- PORT: /),
    ]);
  });

  test('a .env that is a folder is reported', async () => {
    const cwd = mkdtempSync(join(folder, 'env-'));
    await mkdir(join(cwd, '.env'));
    const server = start({}, cwd);
    expect(await server.exited).toBe(1);
    expect(server.output).toContain('.env: cannot read the file (EISDIR)');
  });

  test('a misspelt setting in the environment is logged with the name that was meant', async () => {
    const server = start({ OPENAI_MODLE: 'gpt-4o' });
    await server.started;
    expect(server.output).toMatch(/OPENAI_MODLE/);
    expect(server.output).toMatch(/did you mean OPENAI_MODEL\?/);
  });

  test('production serves neither playground nor introspection', async () => {
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

  test('SIGTERM during startup ends the process', async () => {
    // Accepts connections and never responds.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const server = start({ REDIS_URL: `redis://127.0.0.1:${port}` });
    await once(silent, 'connection');
    expect(await server.stop()).toBe(0);
    expect(server.output).toBe('');
    silent.close();
  });

  test('an unreachable PostgreSQL is reported in one line without the password, with exit code 1', async () => {
    const server = start({ DATABASE_URL: 'postgres://jane:a-secret-password@127.0.0.1:1/parley' });
    expect(await server.exited).toBe(1);
    expect(server.output).toMatch(/^.*connect to the database at 127\.0\.0\.1:1 \(ECONNREFUSED\).*DATABASE_URL.*\n$/);
    expect(server.output).not.toContain('a-secret-password');
  });

  test('a port in use is reported in one line, with exit code 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const server = start({ PORT: String(port) });
    expect(await server.exited).toBe(1);
    expect(server.output).toContain(`Port ${port} is already in use`);
    expect(server.output).not.toContain('    at ');
    taken.close();
  });
});
