import { pino, type Logger } from 'pino';
import { pretty } from './pretty.js';
import type { LogLevel } from '../config/configuration.js';

export type { Logger } from 'pino';

/** JSON lines in production, lines for people in development. */
export function createLog(options: { level: LogLevel; format: 'json' | 'pretty' }): Logger {
  const settings = { level: options.level, base: null };
  return options.format === 'json' ? pino(settings) : pino(settings, pretty());
}
