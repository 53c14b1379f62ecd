import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigurationError, readConfiguration } from '../../src/platform/config/configuration.js';
import { parseDuration } from '../../src/platform/config/duration.js';
import { findUnknownSettings } from '../../src/platform/config/unknown-settings.js';

describe('configuration', () => {
  const getMistakes = (environment: Record<string, string>): string[] => {
    try {
      readConfiguration(environment);
      return [];
    } catch (error) {
      return (error as ConfigurationError).mistakes;
    }
  };

  test('a rate must use whole seconds, and the Redis URL may set a prefix', () => {
    expect(() => readConfiguration({ RATE_LIMIT_ASK: '3/500ms' })).toThrow(/RATE_LIMIT_ASK: .*whole seconds/);
    expect(() => readConfiguration({ REDIS_URL: 'redis://:100%@host' })).toThrow(/REDIS_URL: .*percent-encoded/);
    expect(readConfiguration({ REDIS_URL: 'redis://host:6380/2?prefix=staging:' }).redis).toEqual({
      url: 'redis://host:6380/2',
      prefix: 'staging:',
    });
  });

  test('a secret may be read from a file, without surrounding white space', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-'));
    const file = join(folder, 'secret');
    writeFileSync(file, `${'s'.repeat(40)}\n`);
    expect(readConfiguration({ JWT_SECRET_FILE: file }).auth.jwtSecret).toBe('s'.repeat(40));
    expect(getMistakes({ NODE_ENV: 'production', JWT_SECRET_FILE: file, OPENAI_API_KEY: 'key' })).toEqual([]);
    expect(getMistakes({ JWT_SECRET_FILE: file, JWT_SECRET: 't'.repeat(40) })).toEqual([
      'JWT_SECRET_FILE: JWT_SECRET is set too; use only one of them',
    ]);
    writeFileSync(file, '\n');
    const missing = join(folder, 'missing');
    expect(getMistakes({ JWT_SECRET_FILE: file, METRICS_TOKEN_FILE: missing })).toEqual([
      `JWT_SECRET_FILE: the file "${file}" is empty; write the secret to it`,
      `METRICS_TOKEN_FILE: cannot read the file "${missing}"; check its path and permissions`,
    ]);
    rmSync(folder, { recursive: true });
  });

  test('development requires no settings', () => {
    expect(readConfiguration({})).toEqual({
      environment: 'development',
      http: {
        host: '127.0.0.1',
        port: 4000,
        corsOrigins: ['http://localhost:5173'],
        trustProxy: 0,
        playground: true,
        webChat: true,
      },
      limits: {
        connections: 10_000,
        connectionsPerAddress: 500,
        subscriptionsPerConnection: 100,
        subscriptionsPerUser: 1_000,
        resultBytes: 8_388_608,
        unsentBytes: 4_194_304,
        unsentTimeout: 30_000,
        incomingBytesPerAddress: 33_554_432,
      },
      database: { dialect: 'sqlite', path: './data/parley.db' },
      redis: null,
      auth: {
        jwtSecret: null,
        jwtPreviousSecrets: [],
        accessTokenLifetime: 900_000,
        refreshTokenLifetime: 604_800_000,
        refreshReuseGrace: 10_000,
      },
      providerCalls: { background: 1, concurrency: null },
      rateLimits: {
        auth: { limit: 20, window: 60_000 },
        register: { limit: 20, window: 86_400_000 },
        registerTotal: { limit: 500, window: 3_600_000 },
        ask: { limit: 30, window: 60_000 },
      },
      mail: { smtpUrl: null, from: 'parley@localhost', appUrl: 'http://localhost:4000', templatesFolder: null },
      emailVerification: 'optional',
      registration: 'open',
      identity: null,
      guests: null,
      guestRetention: 604_800_000,
      runningAnswers: { perUser: 5, perInstance: 200 },
      maxOutputTokens: 4_096,
      provider: null,
      shutdownGrace: 10_000,
      memory: { contextTokens: 8_000, dailyTokenQuota: null, dailyTokenBudget: null },
      trustedDocuments: null,
      tools: null,
      flagsClaims: true,
      assistant: { instructions: 'sales' },
      log: { level: 'info' },
      openTelemetry: null,
      metrics: { token: null },
    });
  });

  test('an empty value counts as unset', () => {
    expect(readConfiguration({ PORT: '', OPENAI_API_KEY: ' ', JWT_SECRET: '' })).toEqual(readConfiguration({}));
  });

  test('production requires a secret and a provider, and listens on all interfaces', () => {
    expect(getMistakes({ NODE_ENV: 'production' })).toEqual([
      expect.stringMatching(/^JWT_SECRET: /),
      expect.stringMatching(/^OPENAI_API_KEY: /),
    ]);
    const secret = 'x'.repeat(32);
    expect(
      readConfiguration({ NODE_ENV: 'production', JWT_SECRET: secret, OPENAI_BASE_URL: 'http://llm:8080/v1' }),
    ).toMatchObject({
      environment: 'production',
      http: { host: '0.0.0.0' },
      provider: { apiKey: null, baseUrl: 'http://llm:8080/v1', model: 'gpt-4o-mini', timeout: 60_000, maxRetries: 2 },
    });
  });

  test('DEMO_MODEL decides whether a provider is required', () => {
    const production = { NODE_ENV: 'production', JWT_SECRET: 'x'.repeat(32) };
    expect(readConfiguration({ ...production, DEMO_MODEL: 'on' }).provider).toBeNull();
    for (const settings of [{ DEMO_MODEL: 'off' }, { ...production, DEMO_MODEL: 'off' }, production])
      expect(getMistakes(settings)).toEqual([expect.stringMatching(/^OPENAI_API_KEY: .* DEMO_MODEL=on$/)]);
    expect(readConfiguration({ DEMO_MODEL: 'on', OPENAI_API_KEY: 'key' }).provider).toMatchObject({ apiKey: 'key' });
    expect(getMistakes({ DEMO_MODEL: 'yes' })).toEqual(['DEMO_MODEL: unknown value; use on or off']);
  });

  test.each([
    ['playground', 'PLAYGROUND'],
    ['webChat', 'WEB_CHAT'],
  ] as const)('the %s is served in development, and in production with %s=on', (page, name) => {
    const production = { NODE_ENV: 'production', JWT_SECRET: 'x'.repeat(32), OPENAI_API_KEY: 'key' };
    const isServed = (settings: Record<string, string>) => readConfiguration(settings).http[page];
    expect([isServed({}), isServed({ [name]: 'off' })]).toEqual([true, false]);
    expect([isServed(production), isServed({ ...production, [name]: 'on' })]).toEqual([false, true]);
  });

  test('a PostgreSQL URL may set the pool size, and an invalid URL is not quoted', () => {
    const parse = (url: string) => readConfiguration({ DATABASE_URL: url }).database;
    expect(parse('postgres://jane:p%40ss@db.example.com:5433/parley?sslmode=require')).toEqual({
      dialect: 'postgresql',
      url: 'postgres://jane:p%40ss@db.example.com:5433/parley?sslmode=require',
      poolSize: 10,
    });
    expect(parse('postgresql:///parley?host=/run/postgresql&pool_size=25')).toEqual({
      dialect: 'postgresql',
      url: 'postgresql:///parley?host=%2Frun%2Fpostgresql',
      poolSize: 25,
    });
    for (const wrong of ['postgres://u:secret@host', 'postgres://u:secret@host/db?pool_size=0', 'postgres:u:secret']) {
      const [mistake] = getMistakes({ DATABASE_URL: wrong });
      expect(mistake).toMatch(/^DATABASE_URL: invalid /);
      expect(mistake).not.toContain('secret');
    }
  });

  test.each([
    ['PORT', ' 4000', 'white space'],
    ['OPENAI_MODEL', 'gpt-4o\n', 'white space'],
    ['OPENAI_MODEL', '"gpt-4o"', 'quotation mark'],
    ['OPENAI_MODEL', "gpt-4o'", 'quotation mark'],
    ['OPENAI_BASE_URL', '“http://localhost:11434/v1”', 'quotation mark'],
    ['JWT_SECRET', `"${'x'.repeat(40)}"`, 'quotation mark'],
    ['JWT_SECRET_FILE', '/no/such/file ', 'white space'],
  ])('%s=%j is refused because of its %s', (name, value, problem) => {
    const mistakes = getMistakes({ [name]: value });
    expect(mistakes[0]).toMatch(new RegExp(`^${name}: begins or ends with (a )?${problem}; remove it$`));
    // The value itself is checked without them, so it is not reported twice.
    expect(mistakes.slice(1).every((mistake) => mistake.includes('/no/such/file"'))).toBe(true);
  });

  test('a random secret may begin with a quotation mark', () => {
    expect(getMistakes({ JWT_SECRET: `'${'x'.repeat(40)}` })).toEqual([]);
  });

  test.each([
    'sk-…',
    'sk-...',
    'sk-abc def',
    'sk-abc\ndef',
    'sk-"abc"def',
    'sk-äbc',
    'your-key-here',
    'YOUR_API_KEY',
    'sk-your-key',
    '<your key>',
    '<key>',
    '$OPENAI_API_KEY',
    'sk-xxxxxxxx',
    'change-me',
  ])('the API key %j is refused and not quoted', (key) => {
    expect(getMistakes({ OPENAI_API_KEY: key })).toEqual([
      expect.stringMatching(/^OPENAI_API_KEY: .*; copy the whole key from your provider$/),
    ]);
    expect(getMistakes({ OPENAI_API_KEY: key })[0]).not.toContain(key);
  });

  test.each(['ollama', 'none', 'EMPTY', 'lm-studio', 'sk-1234', 'sk-no-key-required', 'sk-proj-a_B-c.9=='])(
    'the API key %j is accepted',
    (key) => expect(getMistakes({ OPENAI_API_KEY: key })).toEqual([]),
  );

  test.each([
    ['https://api.openai.com/v1/chat/completions', 'ends with /chat/completions'],
    ['http://localhost:11434/v1/models/', 'ends with /models'],
    ['https://jane:sk-secret@api.example.com/v1', 'contains credentials'],
    ['https://api.example.com/v1?api-key=sk-secret', 'contains a query'],
    ['localhost:11434', 'invalid URL'],
    ['https://api.example.com/v1 # mine', 'invalid URL'],
  ])('the base URL %s is refused: it %s', (url, problem) => {
    const [mistake, ...others] = getMistakes({ OPENAI_BASE_URL: url });
    expect(mistake).toMatch(new RegExp(`^OPENAI_BASE_URL: ${problem}`));
    expect(mistake).not.toContain('secret');
    expect(others).toEqual([]);
  });

  test('a name that resembles a setting, or begins like one, is unknown; other names are not reported', () => {
    const names = ['OPENAI_MODLE', 'DATABASE_URI', 'openai_model', 'OPENAI_ORGANIZATION_NAME', 'JWT_ALGORITHM'];
    const others = ['OPENAI_MODEL', 'JWT_SECRET_FILE', 'PATH', 'HOME', 'http_proxy', 'HOSTNAME', 'POSTGRES_PASSWORD'];
    expect(findUnknownSettings([...names, ...others])).toEqual([
      { name: 'OPENAI_MODLE', advice: 'did you mean OPENAI_MODEL?' },
      { name: 'DATABASE_URI', advice: 'did you mean DATABASE_URL?' },
      { name: 'openai_model', advice: 'did you mean OPENAI_MODEL?' },
      { name: 'OPENAI_ORGANIZATION_NAME', advice: '.env.example lists all settings' },
      { name: 'JWT_ALGORITHM', advice: '.env.example lists all settings' },
    ]);
  });

  test('all mistakes are reported together, each with the name of its setting', () => {
    const mistakes = getMistakes({
      PORT: '65536',
      DATABASE_URL: 'mysql://nope',
      JWT_SECRET: 'short',
      JWT_PREVIOUS_SECRETS: `${'x'.repeat(32)},short`,
      JWT_EXPIRES_IN: '15 minutes',
      REFRESH_REUSE_GRACE: 'long',
      RATE_LIMIT_AUTH: '0/1m',
      RATE_LIMIT_ASK: '30',
      TRUST_PROXY: 'yes',
      OPENAI_BASE_URL: 'localhost:1234',
      OPENAI_TIMEOUT: '0s',
      OPENAI_MAX_RETRIES: 'many',
      ASSISTANT: 'pirate',
      ASSISTANT_INSTRUCTIONS_FILE: '/no/such/file',
      CORS_ORIGIN: 'example.com',
      LOG_LEVEL: 'loud',
    });
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual([
      'PORT',
      'DATABASE_URL',
      'JWT_SECRET',
      'JWT_PREVIOUS_SECRETS.1',
      'JWT_EXPIRES_IN',
      'REFRESH_REUSE_GRACE',
      'RATE_LIMIT_AUTH',
      'RATE_LIMIT_ASK',
      'TRUST_PROXY',
      'OPENAI_BASE_URL',
      'OPENAI_TIMEOUT',
      'OPENAI_MAX_RETRIES',
      'ASSISTANT',
      'ASSISTANT_INSTRUCTIONS_FILE',
      'CORS_ORIGIN',
      'LOG_LEVEL',
    ]);
  });

  test.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['15m', 900_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['7', null],
    ['-1s', null],
    ['1.5s', null],
    ['1w', null],
    ['', null],
  ])('the duration %j is parsed as %j ms', (text, expected) => expect(parseDuration(text)).toBe(expected));
});
