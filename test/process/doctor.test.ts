import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../kit/command.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { MailServer } from '../kit/mail-server.js';
import { createDatabase, describePostgres } from '../kit/postgres.js';
import { REDIS_URL } from '../kit/redis.js';
import { TestServer } from '../kit/server.js';

/** An address at which nothing listens. */
const UNREACHABLE = 'http://127.0.0.1:1/v1';

describe('npm run doctor', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'parley-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Returns the exit code, and the lines by their subject. */
  async function examine(settings: Record<string, string>): Promise<{ code: number; lines: Record<string, string> }> {
    const env = { DATABASE_URL: `sqlite:${join(folder, 'parley.db')}`, ...settings };
    const { code, stdout } = await runCommand('doctor.js', [], env).catch(
      (failed: Awaited<ReturnType<typeof runCommand>>) => failed,
    );
    const lines = [...stdout.matchAll(/^ {2}(\S) (\S+) +(.*)$/gm)];
    return {
      code,
      lines: Object.fromEntries(lines.map(([, symbol, subject, text]) => [subject, `${symbol} ${text}`])),
    };
  }

  test('finds nothing to complain about before the first start', async () => {
    const { code, lines } = await examine({});
    expect(lines).toMatchObject({
      Settings: expect.stringMatching(/^✓/),
      Database: expect.stringMatching(/^✓ SQLite, .*: created at the first start$/),
      Redis: expect.stringMatching(/^–/),
      Provider: expect.stringMatching(/^–.*demo/),
      Mail: expect.stringMatching(/^–.*terminal/),
      Identity: expect.stringMatching(/^–/),
      Disk: expect.stringMatching(/^[✓!] .* GB free/),
    });
    expect(code).toBe(0);
  });

  test('connects to the mail server, and fetches the keys of the identity provider', async () => {
    const identity = { IDENTITY_ISSUER: 'https://login.example.com', IDENTITY_AUDIENCE: 'parley' };
    const mail = { MAIL_FROM: 'parley@example.com', APP_URL: 'https://chat.example.com' };
    const key = { kty: 'OKP', crv: 'Ed25519', x: 'a'.repeat(43) };
    const keys = createServer((_request, response) => void response.end(JSON.stringify({ keys: [key] })));
    keys.listen(0, '127.0.0.1');
    await once(keys, 'listening');
    try {
      await using mails = await MailServer.start();
      const IDENTITY_JWKS_URL = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`;
      const found = await examine({ ...identity, ...mails.settings, IDENTITY_JWKS_URL });
      expect(found.lines).toMatchObject({
        Mail: expect.stringMatching(/^✓ .*accepts connections/),
        Identity: '✓ 1 key of https://login.example.com',
      });
      expect(found.code).toBe(0);
      const nowhere = 'http://127.0.0.1:1/jwks';
      const lost = await examine({ ...identity, ...mail, SMTP_URL: 'smtp://127.0.0.1:1', IDENTITY_JWKS_URL: nowhere });
      expect(lost.lines).toMatchObject({
        Mail: expect.stringMatching(/^✗ .*check SMTP_URL/),
        Identity: expect.stringMatching(/^✗ .*check IDENTITY_JWKS_URL/),
      });
      expect(lost.code).toBe(1);
    } finally {
      keys.close();
    }
  });

  test('examines the database and the provider of a running server', async () => {
    const DATABASE_URL = `sqlite:${join(folder, 'parley.db')}`;
    await using server = await TestServer.start({ DATABASE_URL });
    const settings = { DATABASE_URL, OPENAI_BASE_URL: server.provider.baseUrl };
    const { code, lines } = await examine(settings);
    expect(lines).toMatchObject({
      Database: expect.stringMatching(/^✓ .*readable and writable/),
      Migrations: '✓ all are applied',
      Memory: expect.stringMatching(/^✓/),
      Provider: expect.stringMatching(/^[✓!]/),
      Clock: expect.stringMatching(/^✓ .*the provider/),
    });
    expect(code).toBe(0);
  });

  test('warns of conversations without memory', async () => {
    const DATABASE_URL = `sqlite:${join(folder, 'parley.db')}`;
    await using server = await TestServer.start({ DATABASE_URL });
    await (await server.user()).ask('Hello', { stream: false });
    await server.em.execute('update conversations set messages_since_context_update = 20');
    const { code, lines } = await examine({ DATABASE_URL, OPENAI_BASE_URL: server.provider.baseUrl });
    expect(lines['Memory']).toMatch(/^! 1 of .*Could not update the metadata/);
    expect(code).toBe(0);
  });

  test('lists all mistakes in the settings', async () => {
    const { code, lines } = await examine({ PORT: 'x' });
    expect(lines['Settings']).toMatch(/^✗ PORT: /);
    expect(code).toBe(1);
  });

  test('warns of a setting that is misspelt', async () => {
    const { stdout } = await runCommand('doctor.js', [], { DATABASE_URL: 'sqlite::memory:', OPENAI_MODLE: 'x' });
    expect(stdout).toMatch(/! Settings +OPENAI_MODLE: .*OPENAI_MODEL/);
  });

  test('reports a database that is not one', async () => {
    writeFileSync(join(folder, 'parley.db'), 'This is a text.'.repeat(1_000));
    const { code, lines } = await examine({});
    expect(lines['Database']).toMatch(/^✗ /);
    expect(code).toBe(1);
  });

  test('reports a provider and a Redis that cannot be reached', async () => {
    const { code, lines } = await examine({ OPENAI_BASE_URL: UNREACHABLE, REDIS_URL: 'redis://127.0.0.1:1' });
    expect(lines['Provider']).toMatch(/^✗ .*OPENAI_BASE_URL/);
    expect(lines['Redis']).toMatch(/^✗ .*Redis/);
    expect(code).toBe(1);
  });

  test('reports a clock that differs from that of the provider', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toUTCString();
    const provider = createServer((_request, response) => void response.writeHead(200, { date: tomorrow }).end('{}'));
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    try {
      const { port } = provider.address() as AddressInfo;
      const { code, lines } = await examine({ OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` });
      expect(lines['Clock']).toMatch(/^✗ .* s from that of the provider: synchronize it with NTP$/);
      expect(code).toBe(1);
    } finally {
      provider.closeAllConnections();
      provider.close();
    }
  });
});

describePostgres('npm run doctor with PostgreSQL', () => {
  test('examines the database, Redis and their clocks', async () => {
    await using database = await createDatabase();
    await using provider = await FakeProvider.start();
    const { stdout } = await runCommand('doctor.js', [], {
      DATABASE_URL: database.url,
      REDIS_URL: REDIS_URL ?? '',
      JWT_SECRET: 'x'.repeat(40),
      OPENAI_BASE_URL: provider.baseUrl,
    });
    expect(stdout).toMatch(/✓ Database +PostgreSQL/);
    expect(stdout).toMatch(/✓ Migrations +all are applied/);
    if (REDIS_URL) expect(stdout).toMatch(/✓ Redis +version/);
    expect(stdout).toMatch(/✓ Clock .*PostgreSQL/);
  });
});
