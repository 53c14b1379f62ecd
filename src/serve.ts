import { createGreeting, describeProvider } from './greeting.js';
import { ConfigurationError, readConfiguration, type Configuration } from './platform/config/configuration.js';
import { MAX_TIMER_MS } from './platform/config/duration.js';
import { loadEnvFile } from './platform/config/env-file.js';
import { readVersion } from './platform/config/package-root.js';
import { findUnknownSettings } from './platform/config/unknown-settings.js';
import { describeDatabase } from './platform/db/describe-database.js';
import { RedisUnreachableError } from './platform/redis/connect.redis.js';
import { createLog, type Logger } from './platform/telemetry/log.js';
import { createServerLog } from './server-log.js';
import { startServer, type RunningServer } from './server.js';
import type { Termination } from './termination.js';

/** How long closing may take after the grace period, for example while the database does not respond. */
const CLOSE_TIMEOUT_MS = 20_000;

/** Reads the settings and serves. Exits with an error message if the server cannot start. */
export async function serve(termination: Termination): Promise<void> {
  let log: Logger | null = null;
  try {
    const mistakes = loadEnvFile();
    const config = readConfiguration(process.env, mistakes);
    log = createServerLog(config);
    reportProcessErrors(log);
    await start(config, log, termination);
  } catch (error) {
    fail(log, error);
  }
}

async function start(config: Configuration, log: Logger, termination: Termination): Promise<void> {
  const server = await startServer(config, log);
  termination.drainWith(() => void shutDown(server, log, config.shutdownGrace));
  for (const { name, advice } of findUnknownSettings(Object.keys(process.env)))
    log.warn({ setting: name }, `Unknown setting in the environment; ${advice}`);
  announce(config, server, log);
  void server.services.inspectProvider();
}

/** What would otherwise be written to standard error as text. */
function reportProcessErrors(log: Logger): void {
  // One operation must not end the answers of all users.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'Unhandled promise rejection.'));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'Uncaught exception.');
    process.exit(1);
  });
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ err: warning }, 'Warning of Node.js.'));
}

async function shutDown(server: RunningServer, log: Logger, graceMs: number): Promise<void> {
  log.info('Shutting down: waiting for running answers.');
  setTimeout(
    () => {
      log.error('Shutdown timed out: exiting with open resources.');
      process.exit(1);
    },
    Math.min(graceMs + CLOSE_TIMEOUT_MS, MAX_TIMER_MS),
  ).unref();
  try {
    await server.drain();
    await server[Symbol.asyncDispose]();
    process.exit(0);
  } catch (error) {
    fail(log, error);
  }
}

/** Says what runs here, whatever the log level. */
function announce(config: Configuration, server: RunningServer, log: Logger): void {
  if (config.environment === 'development') return console.log(createGreeting(config, server));
  const facts = {
    event: 'start',
    url: server.url,
    version: readVersion(),
    node: process.versions.node,
    database: describeDatabase(config.database),
    redis: config.redis && new URL(config.redis.url).host,
    model: config.provider ? describeProvider(config.provider) : 'demo',
  };
  log.child({}, { level: 'info' }).info(facts, `Listening on ${server.url}`);
}

/** @param log null until the settings are known */
function fail(log: Logger | null, error: unknown): never {
  const message = explain(error);
  if (process.env['NODE_ENV'] === 'production') {
    // Written at every log level.
    const output = (log ?? createLog({ level: 'fatal', format: 'json', secrets: [] })).child({}, { level: 'fatal' });
    if (message === null) output.fatal({ err: error }, 'Parley could not start.');
    else output.fatal(message);
  } else console.error(message ?? error);
  process.exit(1);
}

/** Returns null for an error that an operator cannot be expected to understand. */
function explain(error: unknown): string | null {
  if (error instanceof ConfigurationError || error instanceof RedisUnreachableError) return error.message;
  if (isPortInUse(error))
    return `Port ${error.port} is already in use: stop the other process, or set PORT to another port.`;
  if (error instanceof Error && 'code' in error) return `Parley could not start: ${error.message}`;
  return null;
}

const isPortInUse = (error: unknown): error is { port: number } =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;
