import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { MAX_TIMER_MS, parseDuration } from './duration.js';
import {
  findMissingIdentitySettings,
  identitySettings,
  toIdentityConfiguration,
  type IdentityConfiguration,
} from './identity.js';
import { findMissingMailSettings, mailSettings, toMailConfiguration, type MailConfiguration } from './mail.js';
import { parseOrigin } from './origin.js';
import { providerSettings, toProviders, type ProvidersConfiguration } from './provider.js';
import { parseRate, type Rate } from './rate.js';
import { readSecretFiles, SECRETS } from './secret-files.js';
import { readToolsFile, type ToolsConfiguration } from './tools.js';
import { collectorUrl, findStrayCharacters } from './values.js';

/** All settings, parsed and validated. A feature that is switched off is null. Durations are in milliseconds. */
export interface Configuration {
  environment: 'development' | 'production';
  http: {
    host: string;
    /** 0 picks a free port. */
    port: number;
    /** Allowed origins, as browsers write them in the Origin header. The host may be a wildcard: https://*.example.com. */
    corsOrigins: string[];
    /** The number of trusted proxies in front of the server. */
    trustProxy: number;
    /** Whether the playground is served at /graphql, which needs introspection. */
    playground: boolean;
    /** Whether the web chat is served at /. */
    webChat: boolean;
  };
  database: DatabaseConfiguration;
  /** Null: a single instance, which keeps all shared state in process. */
  redis: {
    url: string;
    /** Prepended to all keys and channels. */
    prefix: string;
  } | null;
  auth: {
    /** Null in development: the first start generates a secret and stores it beside the database. */
    jwtSecret: string | null;
    /** Earlier secrets: tokens signed with them are still accepted. */
    jwtPreviousSecrets: string[];
    accessTokenLifetime: number;
    refreshTokenLifetime: number;
    /** How long a used refresh token is still accepted, for a second tab that refreshes at the same time. */
    refreshReuseGrace: number;
  };
  /** Null means no limit. */
  rateLimits: { auth: Rate | null; register: Rate | null; registerTotal: Rate | null; ask: Rate | null };
  /** Who may create an account: everyone, no one, or users of the identity provider. */
  registration: 'open' | 'closed' | 'identity';
  /** The operator's own login. Null: there is none. */
  identity: IdentityConfiguration | null;
  /** Null: no mails can be sent. */
  mail: MailConfiguration | null;
  /** `required`: users must verify their email before they ask. */
  emailVerification: 'off' | 'optional' | 'required';
  /** Null: no guests are admitted. */
  guests: GuestConfiguration | null;
  /** How long a guest may be idle before it is deleted. */
  guestRetention: number;
  /** Answers that are generated at once: per user over all instances, and at this instance. */
  runningAnswers: { perUser: number; perInstance: number };
  /** The maximum number of tokens of an answer. */
  maxOutputTokens: number;
  /** Calls of the provider at once, in all (null: unlimited) and for titles and metadata. */
  providerCalls: { concurrency: number | null; background: number };
  limits: LimitConfiguration;
  /** Null: the built-in demo model generates the answers. */
  provider: ProvidersConfiguration | null;
  memory: {
    /** The maximum number of tokens of a prompt. */
    contextTokens: number;
    /** Tokens per user and UTC day. Null means no limit. */
    dailyTokenQuota: number | null;
    /** Tokens per UTC day for the whole installation. Null means no limit. */
    dailyTokenBudget: number | null;
  };
  /** Null: all valid operations are run. */
  trustedDocuments: {
    /** A folder with the operator's documents. */
    folder: string | null;
  } | null;
  /** The operator's own look-ups. Null: there are none. */
  tools: ToolsConfiguration | null;
  assistant: { instructions: 'sales' | 'general' | { text: string } };
  /** Whether prices in answers that nothing confirms are flagged. */
  flagsClaims: boolean;
  /** How long answers in progress may continue after the first termination signal. */
  shutdownGrace: number;
  log: { level: LogLevel };
  /** Null: no traces and metrics are exported. */
  openTelemetry: {
    /** The base URL of the collector. */
    endpoint: string;
  } | null;
  /** Null: /metrics is disabled. */
  metrics: {
    /** The bearer token that /metrics requires. Null: no authentication. */
    token: string | null;
  } | null;
}

export type DatabaseConfiguration =
  | { dialect: 'sqlite'; path: string }
  | {
      dialect: 'postgresql';
      url: string;
      /** The maximum number of connections. */
      poolSize: number;
    };

/** What guests may use. */
export interface GuestConfiguration {
  /** Questions of a guest. */
  ask: Rate | null;
  /** New guests of a client address. */
  sessionsPerAddress: Rate | null;
  /** Tokens of a guest per UTC day. */
  dailyTokens: number;
  /** Tokens of all guests per UTC day. */
  dailyTokensTotal: number;
}

/** What clients may use of one instance. */
export interface LimitConfiguration {
  /** Connections in all. */
  connections: number;
  /** Connections of one client address: an IPv4 address or an IPv6 /64. */
  connectionsPerAddress: number;
  /** Operations in progress on one WebSocket or event stream. */
  subscriptionsPerConnection: number;
  /** Subscriptions of one user. */
  subscriptionsPerUser: number;
  /** The size of the result of an operation, in bytes. */
  resultBytes: number;
  /** What may be unsent on a connection before another message is written, in bytes. */
  unsentBytes: number;
  /** How long a client may read nothing while something is unsent. */
  unsentTimeout: number;
  /** The bytes of incomplete messages and request bodies of one client address. */
  incomingBytesPerAddress: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Thrown with all mistakes found, one per line. */
export class ConfigurationError extends Error {
  constructor(readonly mistakes: string[]) {
    super(`Invalid configuration:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`);
    this.name = 'ConfigurationError';
  }
}

const durationOfAtLeast = (minMs: number, message: string) =>
  z.string().transform((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== null && milliseconds >= minMs) return milliseconds;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const duration = durationOfAtLeast(1, 'invalid duration; use a positive one, such as 500ms, 10s, 15m or 7d');
const durationOrZero = durationOfAtLeast(0, 'invalid duration; use 0s, or for example 500ms, 10s, 15m or 7d');

/** Ten years, so that the expiry date can be stored in every database. */
const MAX_REFRESH_LIFETIME_MS = 3_650 * 86_400_000;

/** A duration that is passed to a Node.js timer. */
const timerDuration = duration.refine((ms) => ms <= MAX_TIMER_MS, 'duration too long; use at most 24d');

const rate = z.string().transform((text, context): Rate | null => {
  if (text.trim().toLowerCase() === 'off') return null;
  const parsed = parseRate(text.trim());
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: 'invalid rate; use a count per whole seconds, such as 20/1m, or off' });
  return z.NEVER;
});

const SECRET_ADVICE = 'use at least 32 characters, for example the output of `openssl rand -base64 48`';
const secret = z.string().min(32, `too short; ${SECRET_ADVICE}`);

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
    .refine(
      (text) => /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max,
      `invalid number; use a whole number from ${min} to ${max}`,
    )
    .transform(Number);

const origins = z.string().transform((text, context) => {
  const list = text.split(',').map((origin) => origin.trim());
  return list.map((origin) => {
    const parsed = parseOrigin(origin);
    if (parsed !== null) return parsed;
    context.addIssue({
      code: 'custom',
      message: `"${origin}" is not an origin; use scheme and host, such as https://chat.example.com, https://*.example.com or capacitor://localhost`,
    });
    return z.NEVER;
  });
});

/** Connections to PostgreSQL if its URL does not set pool_size. One process rarely benefits from more. */
const DEFAULT_POOL_SIZE = 10;

// The messages about these two URLs do not quote the value, because it may contain a password.
const isDecodable = (text: string): boolean => {
  try {
    return decodeURIComponent(text) !== '';
  } catch {
    return false;
  }
};

const database = z.string().transform((text, context): DatabaseConfiguration => {
  const path = /^sqlite:(.+)$/.exec(text)?.[1];
  if (path) return { dialect: 'sqlite', path };
  if (/^postgres(ql)?:\/\/[^/]*\/[^?]+/.test(text) && URL.canParse(text) && isDecodable(text)) {
    const url = new URL(text);
    const poolSize = Number(url.searchParams.get('pool_size') ?? DEFAULT_POOL_SIZE);
    url.searchParams.delete('pool_size');
    if (Number.isInteger(poolSize) && poolSize >= 1 && poolSize <= 1_000)
      return { dialect: 'postgresql', url: url.href, poolSize };
    context.addIssue({ code: 'custom', message: 'invalid pool_size; use a whole number from 1 to 1000' });
    return z.NEVER;
  }
  const message =
    'invalid database URL; use sqlite:PATH, sqlite::memory: or postgres://USER:PASSWORD@HOST:PORT/DATABASE';
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
    message: 'invalid Redis URL; use redis://… or rediss://…, with a percent-encoded password',
  });
  return z.NEVER;
});

const onOff = z.enum(['on', 'off'], { error: 'unknown value; use on or off' }).transform((value) => value === 'on');

const instructionsFile = z.string().transform((path, context) => {
  try {
    return { text: readFileSync(path, 'utf8').trim() };
  } catch {
    context.addIssue({ code: 'custom', message: `cannot read the file "${path}"; check its path and permissions` });
    return z.NEVER;
  }
});

const MAX_DAILY_TOKENS = 1e12;

const MEBIBYTE = 1024 * 1024;

const settings = z.object({
  NODE_ENV: z
    .enum(['development', 'production', 'test'], { error: 'unknown value; use development or production' })
    .default('development')
    .transform((value) => (value === 'production' ? 'production' : 'development')),
  HOST: z.string().optional(),
  PORT: wholeNumber(0, 65_535).default(4000),
  DATABASE_URL: database.default({ dialect: 'sqlite', path: './data/parley.db' }),
  REDIS_URL: redis.optional(),
  JWT_SECRET: secret.optional(),
  JWT_PREVIOUS_SECRETS: secrets.default([]),
  JWT_EXPIRES_IN: timerDuration.default(15 * 60_000),
  JWT_REFRESH_EXPIRES_IN: duration
    .refine((ms) => ms <= MAX_REFRESH_LIFETIME_MS, 'duration too long; use at most 3650d')
    .default(7 * 86_400_000),
  REFRESH_REUSE_GRACE: durationOrZero.default(10_000),
  RATE_LIMIT_AUTH: rate.default({ limit: 20, window: 60_000 }),
  RATE_LIMIT_REGISTER: rate.default({ limit: 20, window: 86_400_000 }),
  RATE_LIMIT_REGISTER_TOTAL: rate.default({ limit: 500, window: 3_600_000 }),
  RATE_LIMIT_ASK: rate.default({ limit: 30, window: 60_000 }),
  ...mailSettings,
  ...identitySettings,
  GUESTS: onOff.default(false),
  GUEST_RATE_LIMIT_ASK: rate.default({ limit: 10, window: 60_000 }),
  GUEST_SESSIONS_PER_ADDRESS: rate.default({ limit: 5, window: 3_600_000 }),
  GUEST_DAILY_TOKENS: wholeNumber(1, MAX_DAILY_TOKENS).default(20_000),
  GUEST_DAILY_TOKENS_TOTAL: wholeNumber(1, MAX_DAILY_TOKENS).default(1_000_000),
  GUEST_RETENTION: duration
    .refine((ms) => ms <= MAX_REFRESH_LIFETIME_MS, 'duration too long; use at most 3650d')
    .default(7 * 86_400_000),
  TRUST_PROXY: wholeNumber(0, 20).default(0),
  DEMO_MODEL: onOff.optional(),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000).default(10_000),
  MAX_CONNECTIONS_PER_ADDRESS: wholeNumber(1, 1_000_000).default(500),
  MAX_SUBSCRIPTIONS_PER_CONNECTION: wholeNumber(1, 100_000).default(100),
  MAX_SUBSCRIPTIONS_PER_USER: wholeNumber(1, 1_000_000).default(1_000),
  MAX_RESULT_BYTES: wholeNumber(65_536, 999_999_999).default(8 * MEBIBYTE),
  MAX_UNSENT_BYTES: wholeNumber(65_536, 999_999_999).default(4 * MEBIBYTE),
  UNSENT_TIMEOUT: timerDuration.default(30_000),
  MAX_INCOMING_BYTES_PER_ADDRESS: wholeNumber(MEBIBYTE, 999_999_999).default(32 * MEBIBYTE),
  ...providerSettings,
  OPENAI_TIMEOUT: timerDuration.default(60_000),
  OPENAI_MAX_RETRIES: wholeNumber(0, 10).default(2),
  MAX_OUTPUT_TOKENS: wholeNumber(16, 1_000_000).default(4_096),
  PROVIDER_CONCURRENCY: wholeNumber(1, 1_000_000).optional(),
  BACKGROUND_CALLS: wholeNumber(1, 1_000).default(1),
  ASSISTANT: z.enum(['sales', 'general'], { error: 'unknown value; use sales or general' }).default('sales'),
  ASSISTANT_INSTRUCTIONS_FILE: instructionsFile.optional(),
  CLAIMS: z
    .enum(['flag', 'off'], { error: 'unknown value; use flag or off' })
    .default('flag')
    .transform((value) => value === 'flag'),
  TOOLS_FILE: z.string().optional(),
  CONTEXT_TOKENS: wholeNumber(500, 100_000_000).default(8_000),
  DAILY_TOKEN_QUOTA: wholeNumber(1, MAX_DAILY_TOKENS).optional(),
  DAILY_TOKEN_BUDGET: wholeNumber(1, MAX_DAILY_TOKENS).optional(),
  MAX_RUNNING_ANSWERS_PER_USER: wholeNumber(1, 1_000_000).default(5),
  MAX_RUNNING_ANSWERS: wholeNumber(1, 1_000_000).default(200),
  TRUSTED_DOCUMENTS: z.enum(['only', 'off'], { error: 'unknown value; use only or off' }).default('off'),
  TRUSTED_DOCUMENTS_FOLDER: z.string().optional(),
  PLAYGROUND: onOff.optional(),
  WEB_CHAT: onOff.optional(),
  CORS_ORIGIN: origins.default(['http://localhost:5173']),
  METRICS_TOKEN: z.string().regex(/^\S+$/, 'contains whitespace; use a token without it').optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl.optional(),
  SHUTDOWN_GRACE: durationOrZero.default(10_000),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `unknown level; use one of ${LOG_LEVELS.join(', ')}` }).default('info'),
});

/** The names of all settings, including those of files that contain a secret. */
export const SETTING_NAMES: readonly string[] = [
  ...Object.keys(settings.shape),
  ...SECRETS.map((name) => `${name}_FILE`),
];

/**
 * Reads the settings from environment variables. An empty value counts as unset.
 * @param earlier mistakes that were found before, to be reported together with those found here
 * @throws ConfigurationError with all mistakes.
 */
export function readConfiguration(
  environment: Record<string, string | undefined>,
  earlier: readonly string[] = [],
): Configuration {
  const set = Object.entries(environment).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim()));
  const texts = withUpperCaseProxies(Object.fromEntries(set));
  const mistakes = [...earlier, ...removeStrayCharacters(texts)];
  const { environment: given, mistakes: fileMistakes } = readSecretFiles(texts);
  mistakes.push(...fileMistakes);
  const result = settings.safeParse(given);
  if (!result.success)
    mistakes.push(...result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  mistakes.push(...findMissing(given));
  const file = given['TOOLS_FILE'] === undefined ? null : readToolsFile(given['TOOLS_FILE'], environment);
  mistakes.push(...(file?.mistakes ?? []));
  if (!result.success || mistakes.length > 0) throw new ConfigurationError(mistakes);

  const values = result.data;
  const isProduction = values.NODE_ENV === 'production';
  return {
    environment: values.NODE_ENV,
    http: {
      host: values.HOST ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
      port: values.PORT,
      corsOrigins: values.CORS_ORIGIN,
      trustProxy: values.TRUST_PROXY,
      playground: values.PLAYGROUND ?? !isProduction,
      webChat: values.WEB_CHAT ?? !isProduction,
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
    runningAnswers: { perUser: values.MAX_RUNNING_ANSWERS_PER_USER, perInstance: values.MAX_RUNNING_ANSWERS },
    maxOutputTokens: values.MAX_OUTPUT_TOKENS,
    providerCalls: { concurrency: values.PROVIDER_CONCURRENCY ?? null, background: values.BACKGROUND_CALLS },
    rateLimits: {
      auth: values.RATE_LIMIT_AUTH,
      register: values.RATE_LIMIT_REGISTER,
      registerTotal: values.RATE_LIMIT_REGISTER_TOTAL,
      ask: values.RATE_LIMIT_ASK,
    },
    registration: values.REGISTRATION,
    identity: toIdentityConfiguration(values),
    mail: toMailConfiguration(values, { isProduction, port: values.PORT }),
    emailVerification: values.EMAIL_VERIFICATION,
    guests: values.GUESTS
      ? {
          ask: values.GUEST_RATE_LIMIT_ASK,
          sessionsPerAddress: values.GUEST_SESSIONS_PER_ADDRESS,
          dailyTokens: values.GUEST_DAILY_TOKENS,
          dailyTokensTotal: values.GUEST_DAILY_TOKENS_TOTAL,
        }
      : null,
    guestRetention: values.GUEST_RETENTION,
    limits: {
      connections: values.MAX_CONNECTIONS,
      connectionsPerAddress: values.MAX_CONNECTIONS_PER_ADDRESS,
      subscriptionsPerConnection: values.MAX_SUBSCRIPTIONS_PER_CONNECTION,
      subscriptionsPerUser: values.MAX_SUBSCRIPTIONS_PER_USER,
      resultBytes: values.MAX_RESULT_BYTES,
      unsentBytes: values.MAX_UNSENT_BYTES,
      unsentTimeout: values.UNSENT_TIMEOUT,
      incomingBytesPerAddress: values.MAX_INCOMING_BYTES_PER_ADDRESS,
    },
    provider: toProviders(values),
    memory: {
      contextTokens: values.CONTEXT_TOKENS,
      dailyTokenQuota: values.DAILY_TOKEN_QUOTA ?? null,
      dailyTokenBudget: values.DAILY_TOKEN_BUDGET ?? null,
    },
    trustedDocuments: values.TRUSTED_DOCUMENTS === 'only' ? { folder: values.TRUSTED_DOCUMENTS_FOLDER ?? null } : null,
    tools: file?.tools ?? null,
    assistant: { instructions: values.ASSISTANT_INSTRUCTIONS_FILE ?? values.ASSISTANT },
    flagsClaims: values.CLAIMS,
    shutdownGrace: values.SHUTDOWN_GRACE,
    log: { level: values.LOG_LEVEL },
    openTelemetry: values.OTEL_EXPORTER_OTLP_ENDPOINT ? { endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT } : null,
    metrics: values.METRICS_TOKEN || !isProduction ? { token: values.METRICS_TOKEN ?? null } : null,
  };
}

/** The variables of proxies are also written in lower case, which then takes precedence. */
const withUpperCaseProxies = (texts: Record<string, string>): Record<string, string> => ({
  ...texts,
  ...Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) =>
      /^(https?|no)_proxy$/.test(name) ? [[name.toUpperCase(), text]] : [],
    ),
  ),
});

/** Removes white space and quotation marks around the values, and returns a mistake for each. */
function removeStrayCharacters(texts: Record<string, string>): string[] {
  const mistakes: string[] = [];
  for (const name of SETTING_NAMES) {
    if (texts[name] === undefined) continue;
    const { value, mistake } = findStrayCharacters(name, texts[name]);
    texts[name] = value;
    if (mistake) mistakes.push(mistake);
  }
  return mistakes;
}

function findMissing(given: Record<string, string | undefined>): string[] {
  const missing: string[] = [];
  const isProduction = given['NODE_ENV'] === 'production';
  if (isProduction && !given['JWT_SECRET']) missing.push(`JWT_SECRET: required in production; ${SECRET_ADVICE}`);
  const hasDemoModel = (given['DEMO_MODEL'] ?? (isProduction ? 'off' : 'on')) !== 'off';
  if (!hasDemoModel && !given['OPENAI_API_KEY'] && !given['OPENAI_BASE_URL'])
    missing.push(
      'OPENAI_API_KEY: no provider is configured; set this key, or OPENAI_BASE_URL for your own OpenAI-compatible server, or DEMO_MODEL=on',
    );
  missing.push(...findMissingMailSettings(given), ...findMissingIdentitySettings(given));
  const fallback = ['OPENAI_FALLBACK_BASE_URL', 'OPENAI_FALLBACK_API_KEY', 'OPENAI_FALLBACK_MODEL'].find(
    (name) => given[name],
  );
  if (fallback && !given['OPENAI_API_KEY'] && !given['OPENAI_BASE_URL'])
    missing.push(`${fallback}: requires a first provider; set OPENAI_API_KEY or OPENAI_BASE_URL as well`);
  return missing;
}
