import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { LONGEST_TIMER, parseDuration } from './duration.js';
import { parseRate, type Rate } from './rate.js';

/** Everything that can be set, read and checked. What is switched off is null. Durations are milliseconds. */
export interface Configuration {
  environment: 'development' | 'production';
  http: {
    host: string;
    /** 0 picks a free one. */
    port: number;
    /** Origins that browsers may call from, in the form of the Origin header. */
    corsOrigins: string[];
    /** How many proxies of the operator's stand in front. */
    trustProxy: number;
  };
  database:
    | { dialect: 'sqlite'; path: string }
    | {
        dialect: 'postgresql';
        url: string;
        /** The most connections. */
        poolSize: number;
      };
  /** Null: one instance, everything in process. */
  redis: {
    url: string;
    /** Before all keys and channels. */
    prefix: string;
  } | null;
  auth: {
    /** Null in development: a secret is made at the first start and kept beside the database. */
    jwtSecret: string | null;
    /** Secrets of before: tokens signed with them are still taken. */
    jwtPreviousSecrets: string[];
    accessTokenLifetime: number;
    refreshTokenLifetime: number;
    /** How long a spent refresh token is still taken for a concurrent tab's. */
    refreshReuseGrace: number;
  };
  /** Null is no limit. */
  rateLimits: { auth: Rate | null; ask: Rate | null };
  /** Null: the built-in demo model answers. */
  provider: ProviderConfiguration | null;
  memory: {
    /** The most tokens of a prompt. */
    contextTokens: number;
    /** Tokens per user and UTC day; null is no limit. */
    dailyTokenQuota: number | null;
  };
  assistant: { instructions: 'sales' | 'general' | { text: string } };
  /** How long answers in progress may go on when the process is told to end. */
  shutdownGrace: number;
  log: { level: LogLevel };
  /** Null: /metrics is off. */
  metrics: {
    /** Wanted as a bearer token; null where everybody may read them. */
    token: string | null;
  } | null;
}

export interface ProviderConfiguration {
  apiKey: string | null;
  baseUrl: string | null;
  model: string;
  /** The longest silence: before the first token, and between any two. */
  timeout: number;
  /** Tries after the first one, before the first token only. */
  maxRetries: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Thrown with every mistake found, one a line. */
export class ConfigurationError extends Error {
  constructor(readonly mistakes: string[]) {
    super(
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : 'mistakes'}:\n${mistakes.map((m) => `  - ${m}`).join('\n')}`,
    );
    this.name = 'ConfigurationError';
  }
}

const durationOf = (least: number, problem: string) =>
  z.string().transform((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== null && milliseconds >= least) return milliseconds;
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  });

const duration = durationOf(1, 'give a duration above zero such as 500ms, 10s, 15m or 7d');
const durationOrNone = durationOf(0, 'give a duration such as 500ms, 10s, 15m or 7d');

/** Ten years: what lies further away is no date that can be stored. */
const LONGEST_SESSION = 3_650 * 86_400_000;

/** For what a Node.js timer must be able to hold. */
const timer = duration.refine((ms) => ms <= LONGEST_TIMER, 'give at most 24d');

const rate = z.string().transform((text, context): Rate | null => {
  if (text.trim().toLowerCase() === 'off') return null;
  const parsed = parseRate(text.trim());
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: 'give a rate such as 20/1m, in whole seconds, or off' });
  return z.NEVER;
});

const secret = z.string().min(32, 'give at least 32 characters, such as the output of `openssl rand -base64 48`');

const secrets = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )
  .pipe(z.array(secret));

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'give a whole number')
    .transform(Number)
    .refine((n) => n >= min && n <= max, `give a whole number from ${min} to ${max}`);

const url = z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
  error: 'give a URL that starts with http:// or https://',
});

const origins = z.string().transform((text, context) => {
  const list = text.split(',').map((origin) => origin.trim().replace(/\/$/, ''));
  for (const origin of list) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      context.addIssue({
        code: 'custom',
        message: `"${origin}" is no origin; give scheme and host such as https://chat.example.com`,
      });
    }
  }
  return list;
});

/** Connections to PostgreSQL where its URL does not say how many: as many as one process makes good use of. */
const POOL_SIZE = 10;

/** No mistake repeats the text: it may hold a password. */
const isDecodable = (text: string): boolean => {
  try {
    return decodeURIComponent(text) !== '';
  } catch {
    return false;
  }
};

const database = z.string().transform((text, context): Configuration['database'] => {
  const path = /^sqlite:(.+)$/.exec(text)?.[1];
  if (path) return { dialect: 'sqlite', path };
  if (/^postgres(ql)?:\/\/[^/]*\/[^?]+/.test(text) && URL.canParse(text) && isDecodable(text)) {
    const url = new URL(text);
    const poolSize = Number(url.searchParams.get('pool_size') ?? POOL_SIZE);
    url.searchParams.delete('pool_size');
    if (Number.isInteger(poolSize) && poolSize >= 1 && poolSize <= 1_000)
      return { dialect: 'postgresql', url: url.href, poolSize };
    context.addIssue({ code: 'custom', message: 'give a pool_size from 1 to 1000' });
    return z.NEVER;
  }
  const message = 'give sqlite:PATH, sqlite::memory: or postgres://USER:PASSWORD@HOST:PORT/DATABASE';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const redis = z.string().transform((text, context): Configuration['redis'] => {
  if (URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol) && isDecodable(text)) {
    const url = new URL(text);
    const prefix = url.searchParams.get('prefix') ?? 'parley:';
    url.searchParams.delete('prefix');
    return { url: url.href, prefix };
  }
  context.addIssue({
    code: 'custom',
    message: 'give a URL that starts with redis:// or rediss://, with a password that is percent-encoded',
  });
  return z.NEVER;
});

const instructionsFile = z.string().transform((path, context) => {
  try {
    return { text: readFileSync(path, 'utf8').trim() };
  } catch {
    context.addIssue({ code: 'custom', message: `the file "${path}" cannot be read` });
    return z.NEVER;
  }
});

const settings = z.object({
  NODE_ENV: z
    .enum(['development', 'production', 'test'], { error: 'give development or production' })
    .default('development')
    .transform((value) => (value === 'production' ? 'production' : 'development')),
  HOST: z.string().optional(),
  PORT: wholeNumber(0, 65_535).default(4000),
  DATABASE_URL: database.default({ dialect: 'sqlite', path: './data/parley.db' }),
  REDIS_URL: redis.optional(),
  JWT_SECRET: secret.optional(),
  JWT_PREVIOUS_SECRETS: secrets.default([]),
  JWT_EXPIRES_IN: timer.default(15 * 60_000),
  JWT_REFRESH_EXPIRES_IN: duration.refine((ms) => ms <= LONGEST_SESSION, 'give at most 3650d').default(7 * 86_400_000),
  REFRESH_REUSE_GRACE: durationOrNone.default(10_000),
  RATE_LIMIT_AUTH: rate.default({ limit: 20, window: 60_000 }),
  RATE_LIMIT_ASK: rate.default({ limit: 30, window: 60_000 }),
  TRUST_PROXY: wholeNumber(0, 20).default(0),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_BASE_URL: url.optional(),
  OPENAI_MODEL: z.string().default('gpt-4o-mini'),
  OPENAI_TIMEOUT: timer.default(60_000),
  OPENAI_MAX_RETRIES: wholeNumber(0, 10).default(2),
  ASSISTANT: z.enum(['sales', 'general'], { error: 'give sales or general' }).default('sales'),
  ASSISTANT_INSTRUCTIONS_FILE: instructionsFile.optional(),
  CONTEXT_TOKENS: wholeNumber(500, 100_000_000).default(8_000),
  DAILY_TOKEN_QUOTA: wholeNumber(1, 999_999_999).optional(),
  CORS_ORIGIN: origins.default(['http://localhost:5173']),
  METRICS_TOKEN: z.string().regex(/^\S+$/, 'give a text without spaces').optional(),
  SHUTDOWN_GRACE: durationOrNone.default(10_000),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `give one of ${LOG_LEVELS.join(', ')}` }).default('info'),
});

/**
 * Reads the settings from the environment; an empty value is an unset one.
 * @throws ConfigurationError naming all mistakes at once.
 */
export function readConfiguration(environment: Record<string, string | undefined>): Configuration {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const result = settings.safeParse(given);
  const mistakes = result.success
    ? []
    : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (given['NODE_ENV'] === 'production') mistakes.push(...missingInProduction(given));
  if (!result.success || mistakes.length > 0) throw new ConfigurationError(mistakes);

  const values = result.data;
  return {
    environment: values.NODE_ENV,
    http: {
      host: values.HOST ?? (values.NODE_ENV === 'production' ? '0.0.0.0' : '127.0.0.1'),
      port: values.PORT,
      corsOrigins: values.CORS_ORIGIN,
      trustProxy: values.TRUST_PROXY,
    },
    database: values.DATABASE_URL,
    redis: values.REDIS_URL ?? null,
    auth: {
      jwtSecret: values.JWT_SECRET ?? null,
      accessTokenLifetime: values.JWT_EXPIRES_IN,
      refreshTokenLifetime: values.JWT_REFRESH_EXPIRES_IN,
      refreshReuseGrace: values.REFRESH_REUSE_GRACE,
      jwtPreviousSecrets: values.JWT_PREVIOUS_SECRETS,
    },
    rateLimits: { auth: values.RATE_LIMIT_AUTH, ask: values.RATE_LIMIT_ASK },
    provider:
      values.OPENAI_API_KEY || values.OPENAI_BASE_URL
        ? {
            apiKey: values.OPENAI_API_KEY ?? null,
            baseUrl: values.OPENAI_BASE_URL ?? null,
            model: values.OPENAI_MODEL,
            timeout: values.OPENAI_TIMEOUT,
            maxRetries: values.OPENAI_MAX_RETRIES,
          }
        : null,
    memory: { contextTokens: values.CONTEXT_TOKENS, dailyTokenQuota: values.DAILY_TOKEN_QUOTA ?? null },
    assistant: { instructions: values.ASSISTANT_INSTRUCTIONS_FILE ?? values.ASSISTANT },
    shutdownGrace: values.SHUTDOWN_GRACE,
    log: { level: values.LOG_LEVEL },
    metrics: values.METRICS_TOKEN || values.NODE_ENV === 'development' ? { token: values.METRICS_TOKEN ?? null } : null,
  };
}

function missingInProduction(given: Record<string, string | undefined>): string[] {
  const missing: string[] = [];
  if (!given['JWT_SECRET']) {
    missing.push(
      'JWT_SECRET: production needs one; give at least 32 characters, such as the output of `openssl rand -base64 48`',
    );
  }
  if (!given['OPENAI_API_KEY'] && !given['OPENAI_BASE_URL']) {
    missing.push(
      'OPENAI_API_KEY: production needs a provider; give a key, or OPENAI_BASE_URL for a compatible server of your own',
    );
  }
  return missing;
}
