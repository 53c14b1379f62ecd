import { ConfigurationError, readConfiguration, type Configuration } from './platform/config/configuration.js';
import { loadEnvFile } from './platform/config/env-file.js';
import { RedisUnreachableError } from './platform/redis/connection.redis.js';
import { startServer, type RunningServer } from './server.js';

/** The process: reads the settings, serves, and ends on SIGINT or SIGTERM. */
async function main(): Promise<void> {
  // From the beginning: the first process of a container ignores signals that it does not handle.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end());
  loadEnvFile();
  const config = readConfiguration(process.env);
  server = await startServer(config);
  const { log } = server;
  // One operation's forgotten promise must not end everybody's answers.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'A promise was rejected and nobody listened.'));
  greet(config, server);
}

let server: RunningServer | null = null;
let ending = false;

async function end(): Promise<void> {
  // Whoever asks twice means it; and who asks while it starts has nothing to wait for.
  if (ending || !server) process.exit(ending ? 1 : 0);
  ending = true;
  server.log.info('Shutting down: no new questions are taken, and the answers in progress may end.');
  try {
    await server.drain();
    await server[Symbol.asyncDispose]();
    process.exit(0);
  } catch (error) {
    fail(error);
  }
}

function greet({ environment, provider }: Configuration, { url, playground }: RunningServer): void {
  if (environment === 'production') return void console.log(JSON.stringify({ level: 30, msg: `Listening on ${url}` }));
  console.log(`
  Parley is running.

    API         ${url}/graphql   (HTTP and WebSocket)
    Playground  ${playground ? `${url}/graphql   (open it in a browser)` : 'not built: run `npm run build`'}
    Model       ${provider ? `${provider.model}${provider.baseUrl ? ` at ${withoutPassword(provider.baseUrl)}` : ''}` : 'the built-in demo: set OPENAI_API_KEY for a real one'}
`);
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.username = shown.password = '';
  return shown.href;
}

function fail(error: unknown): never {
  if (error instanceof ConfigurationError || error instanceof RedisUnreachableError) console.error(error.message);
  else if (isTaken(error))
    console.error(`Port ${error.port} is taken: stop what listens there, or set PORT to another one.`);
  else if (error instanceof Error && 'code' in error) console.error(`Parley could not start: ${error.message}`);
  else console.error(error);
  process.exit(1);
}

const isTaken = (error: unknown): error is { port: number } =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;

main().catch(fail);
