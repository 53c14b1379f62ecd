import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { Instance } from '../kit/instance.js';
import { ApiClient } from '../kit/user.js';

const PASSWORD = 'correct horse battery staple';

describe('the output of a server in production', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (settings: Record<string, string> = {}) =>
    new Instance(folder, {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      JWT_SECRET: 'x'.repeat(40),
      DEMO_MODEL: 'on',
      DATABASE_URL: `sqlite:${join(folder, 'parley.db')}`,
      ...settings,
    });

  /** Parses every line. @throws Error with the line that is no JSON */
  const readLines = (output: string) =>
    output
      .trimEnd()
      .split('\n')
      .map((line) => {
        try {
          return JSON.parse(line) as Record<string, unknown>;
        } catch {
          throw new Error(`Not JSON: ${line}`);
        }
      });

  const EVERY_LINE = expect.objectContaining({
    level: expect.any(Number),
    time: expect.any(Number),
    msg: expect.any(String),
  });

  test('is JSON from the start line to the last, with deprecations and failures in between', async () => {
    await using server = start({ OPENAI_MODLE: 'gpt-4o' });
    await server.started;
    await using client = new ApiClient(server.url);
    await client.request('mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }', {
      input: { email: 'jane@example.com', password: PASSWORD },
    });
    await client.getErrors('{ me { id } }');
    expect(await server.stop()).toBe(0);
    const lines = readLines(server.output);
    for (const line of lines) expect(line).toEqual(EVERY_LINE);
    expect(lines.find(({ event }) => event === 'start')).toMatchObject({
      level: 30,
      event: 'start',
      url: server.url,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: process.versions.node,
      database: expect.stringContaining('SQLite'),
      redis: null,
      model: 'demo',
      msg: `Listening on ${server.url}`,
    });
    expect(lines).toContainEqual(expect.objectContaining({ level: 40, setting: 'OPENAI_MODLE' }));
    expect(lines).toContainEqual(expect.objectContaining({ event: 'operation', outcome: 'UNAUTHENTICATED' }));
    expect(server.output).not.toContain(PASSWORD);
  });

  test('is JSON when settings are wrong', async () => {
    await using server = start({ JWT_SECRET: '', PORT: 'many' });
    expect(await server.exited).toBe(1);
    const lines = readLines(server.output);
    expect(lines).toEqual([expect.objectContaining({ level: 60, time: expect.any(Number) })]);
    expect(lines[0]!['msg']).toContain('JWT_SECRET');
    expect(lines[0]!['msg']).toContain('PORT');
  });

  test('is JSON when the port is taken, at every log level', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await using server = start({ PORT: String(port), LOG_LEVEL: 'silent' });
    expect(await server.exited).toBe(1);
    other.close();
    expect(readLines(server.output)).toContainEqual(
      expect.objectContaining({ level: 60, msg: expect.stringContaining(`Port ${port} is already in use`) }),
    );
  });

  test.each([
    'process.emitWarning("A warning")',
    'Promise.reject(new Error("A rejection"))',
    'throw new Error("A bug")',
  ])('is JSON when the process reports by itself: %s', async (code) => {
    const delayed = `data:text/javascript,setTimeout(() => { ${code} }, 1500)`;
    await using server = start({ NODE_OPTIONS: `--import=${delayed.replaceAll(' ', '%20').replaceAll('"', "'")}` });
    await server.started;
    const expected = /A (warning|rejection|bug)/.exec(code)![0];
    await server.printed(expected);
    await server.stop();
    const line = readLines(server.output).find((each) => JSON.stringify(each).includes(expected));
    expect(line).toMatchObject({ err: { message: expected } });
  });
});
