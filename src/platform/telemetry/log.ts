import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import type { LogLevel } from '../config/configuration.js';
import { createPrettyStream } from './pretty.js';
import { RepeatedLines } from './repeated-lines.js';

export type { Logger } from 'pino';

export interface LogOptions {
  level: LogLevel;
  /** JSON for production, human-readable lines for development. */
  format: 'json' | 'pretty';
  /** Texts that are replaced wherever they occur in an error. */
  secrets: readonly string[];
  /** Default: standard output. */
  destination?: DestinationStream;
}

export function createLog({ level, format, secrets, destination }: LogOptions): Logger {
  const settings = {
    level,
    base: null,
    serializers: { err: createErrorSerializer(secrets) },
    hooks: { logMethod: limitRepeats() },
  };
  return pino(settings, destination ?? (format === 'pretty' ? createPrettyStream() : pino.destination({ sync: true })));
}

/**
 * Omits lines that repeat too often; the next one states how many. Lines with the field `event` are the record of what
 * clients did, and are all written.
 */
function limitRepeats(): NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']> {
  const repeated = new RepeatedLines();
  return function (args, write) {
    const [fields, message] = (typeof args[0] === 'object' ? args : [{}, args[0]]) as [{ event?: unknown }, string?];
    const omitted = fields.event === undefined ? repeated.admit(message ?? '') : 0;
    if (omitted === null) return;
    write.call(this, omitted > 0 ? { ...fields, omitted } : fields, message);
  };
}

/** Replaces these texts, and anything that looks like an API key or a bearer token. */
export const redactSecrets = (text: string, secrets: readonly string[]): string =>
  secrets
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
    .replace(/\b(sk-[\w-]{4})[\w-]+/g, '$1[secret]')
    .replace(/\b(Bearer +)[\w.~+/-]+=*/gi, '$1[secret]');

const MAX_CAUSE_DEPTH = 5;

/**
 * Writes only the type, message, code, stack and causes of an error. Other properties are omitted, because drivers and
 * the SDK attach queries, parameters, headers and bodies.
 */
function createErrorSerializer(secrets: readonly string[]) {
  const redact = (text: string): string => redactSecrets(text, secrets);
  const serialize = (error: unknown, depth = 0): unknown => {
    if (!(error instanceof Error)) return redact(String(error));
    return {
      type: error.constructor.name,
      message: redact(error.message),
      ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
      stack: redact(error.stack ?? ''),
      ...(error.cause !== undefined && depth < MAX_CAUSE_DEPTH ? { cause: serialize(error.cause, depth + 1) } : {}),
    };
  };
  return (error: unknown) => serialize(error);
}
