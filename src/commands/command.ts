import { ConfigurationError } from '../platform/config/configuration.js';
import { DatabaseError } from '../platform/db/database-error.js';
import { pino } from 'pino';
import { ApiError } from '../platform/errors/api-error.js';
import { createLog, type Logger } from '../platform/telemetry/log.js';

/** A wrong use of a command. Only its message is printed. */
export class CommandError extends Error {}

/** Runs a command with the arguments of the process. Prints an error to standard error and sets exit code 1. */
export async function runCommand(main: (args: string[]) => Promise<void>): Promise<void> {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(isExpected(error) ? error.message : error);
    process.exitCode = 1;
  }
}

/** Creates the log of a command: in production it writes JSON to standard error, otherwise nothing. */
export const createCommandLog = (): Logger =>
  createLog({
    level: process.env['NODE_ENV'] === 'production' ? 'info' : 'silent',
    format: 'json',
    secrets: [],
    destination: pino.destination({ fd: 2, sync: true }),
  });

/** For unknown options, `parseArgs` throws a TypeError with a code. */
const isExpected = (error: unknown): error is Error =>
  error instanceof CommandError ||
  error instanceof ConfigurationError ||
  error instanceof DatabaseError ||
  error instanceof ApiError ||
  (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
