import { pino, type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from '../config/configuration.js';
import { pretty } from './pretty.js';

export type { Logger } from 'pino';

export interface LogOptions {
  level: LogLevel;
  /** JSON lines in production, lines for people in development. */
  format: 'json' | 'pretty';
  /** What must not be written, wherever it turns up in an error. */
  secrets: readonly string[];
  /** Standard output unless given. */
  destination?: DestinationStream;
}

export function createLog({ level, format, secrets, destination }: LogOptions): Logger {
  const settings = { level, base: null, serializers: { err: serializerOf(secrets) } };
  return pino(settings, destination ?? (format === 'pretty' ? pretty() : pino.destination({ sync: true })));
}

/** How deep the causes of an error are followed. */
const DEEPEST = 5;

/**
 * Of an error only its type, message, stack and causes are written. Whatever else hangs on one stays out: drivers and
 * the SDK attach queries, parameters, headers and bodies.
 */
function serializerOf(secrets: readonly string[]) {
  const clean = (text: string): string =>
    secrets
      .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
      // What looks like a provider's key or a token, though it is none of ours.
      .replace(/\b(sk-[\w-]{4})[\w-]+/g, '$1[secret]')
      .replace(/\b(Bearer +)[\w.~+/-]+=*/gi, '$1[secret]');

  const serialize = (error: unknown, depth = 0): unknown => {
    if (!(error instanceof Error)) return clean(String(error));
    return {
      type: error.constructor.name,
      message: clean(error.message),
      ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
      stack: clean(error.stack ?? ''),
      ...(error.cause !== undefined && depth < DEEPEST ? { cause: serialize(error.cause, depth + 1) } : {}),
    };
  };
  return (error: unknown) => serialize(error);
}
