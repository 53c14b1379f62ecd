import { type ConfigurationError, readConfiguration } from '../../src/platform/config/configuration.js';
import { parseDuration } from '../../src/platform/config/duration.js';

describe('configuration', () => {
  const mistakesIn = (environment: Record<string, string>): string[] => {
    try {
      readConfiguration(environment);
      return [];
    } catch (error) {
      return (error as ConfigurationError).mistakes;
    }
  };

  test('a rate counts in whole seconds, and Redis has a prefix of its own where one is given', () => {
    expect(() => readConfiguration({ RATE_LIMIT_ASK: '3/500ms' })).toThrow(/RATE_LIMIT_ASK: .*whole seconds/);
    expect(() => readConfiguration({ REDIS_URL: 'redis://:100%@host' })).toThrow(/REDIS_URL: .*percent-encoded/);
    expect(readConfiguration({ REDIS_URL: 'redis://host:6380/2?prefix=staging:' }).redis).toEqual({
      url: 'redis://host:6380/2',
      prefix: 'staging:',
    });
  });

  test('nothing is needed in development', () => {
    expect(readConfiguration({})).toEqual({
      environment: 'development',
      http: { host: '127.0.0.1', port: 4000, corsOrigins: ['http://localhost:5173'], trustProxy: 0 },
      database: { dialect: 'sqlite', path: './data/parley.db' },
      redis: null,
      auth: {
        jwtSecret: null,
        jwtPreviousSecrets: [],
        accessTokenLifetime: 900_000,
        refreshTokenLifetime: 604_800_000,
        refreshReuseGrace: 10_000,
      },
      rateLimits: { auth: { limit: 20, window: 60_000 }, ask: { limit: 30, window: 60_000 } },
      provider: null,
      shutdownGrace: 10_000,
      memory: { contextTokens: 8_000, dailyTokenQuota: null },
      assistant: { instructions: 'sales' },
      log: { level: 'info' },
      metrics: { token: null },
    });
  });

  test('an empty value is an unset one', () => {
    expect(readConfiguration({ PORT: '', OPENAI_API_KEY: ' ', JWT_SECRET: '' })).toEqual(readConfiguration({}));
  });

  test('production needs a secret and a provider, and listens everywhere', () => {
    expect(mistakesIn({ NODE_ENV: 'production' })).toEqual([
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

  test('PostgreSQL is a URL, with the size of the pool among its parameters', () => {
    const databaseOf = (url: string) => readConfiguration({ DATABASE_URL: url }).database;
    expect(databaseOf('postgres://jane:p%40ss@db.example.com:5433/parley?sslmode=require')).toEqual({
      dialect: 'postgresql',
      url: 'postgres://jane:p%40ss@db.example.com:5433/parley?sslmode=require',
      poolSize: 10,
    });
    expect(databaseOf('postgresql:///parley?host=/run/postgresql&pool_size=25')).toEqual({
      dialect: 'postgresql',
      url: 'postgresql:///parley?host=%2Frun%2Fpostgresql',
      poolSize: 25,
    });
    for (const wrong of ['postgres://u:secret@host', 'postgres://u:secret@host/db?pool_size=0', 'postgres:u:secret']) {
      const [mistake] = mistakesIn({ DATABASE_URL: wrong });
      expect(mistake).toMatch(/^DATABASE_URL: give /);
      expect(mistake).not.toContain('secret');
    }
  });

  test('all mistakes are told at once, each by its name', () => {
    const mistakes = mistakesIn({
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
  ])('the duration %j is %j ms', (text, expected) => expect(parseDuration(text)).toBe(expected));
});
