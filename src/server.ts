import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import cors from 'cors';
import type { DestinationStream } from 'pino';
import type { Configuration } from './platform/config/configuration.js';
import { databaseSecrets } from './platform/db/database.js';
import { isPassing } from './platform/db/passing.js';
import { packageRoot } from './platform/config/package-root.js';
import type { RequestOrigin } from './platform/graphql/context.js';
import { createEventStreams } from './platform/graphql/event-streams.js';
import { createGraphQLHandler, type GraphQLHandler } from './platform/graphql/http.js';
import { createPlayground } from './platform/graphql/playground.js';
import { DocumentPreparer } from './platform/graphql/prepare.js';
import { serveWebSockets } from './platform/graphql/websocket.js';
import { clientAddress } from './platform/http/client-address.js';
import { Disposables } from './platform/lifecycle/disposables.js';
import { requestIdOf } from './platform/http/request-id.js';
import { createLog, type Logger } from './platform/telemetry/log.js';
import { serveMetrics } from './platform/telemetry/metrics-endpoint.js';
import { createSchema } from './schema.js';
import { createServices, type Services } from './services.js';

const PATH = '/graphql';
const PLAYGROUND = join(packageRoot, 'dist/playground');

/**
 * How long a connection may be idle, in milliseconds: longer than proxies keep theirs, for a request that meets a
 * connection which is just being closed is lost.
 */
export const KEEP_ALIVE = 95_000;

/** How long responses that are being sent may take when the server closes, in milliseconds. */
const CLOSING_TIME = 1_000;

export interface RunningServer extends AsyncDisposable {
  /** Where it listens, such as http://127.0.0.1:4000. */
  url: string;
  /** Whether the playground is served at /graphql. */
  playground: boolean;
  services: Services;
  log: Logger;
  /** Takes no new questions, and lets the answers in progress go on for the grace period. Then dispose of it. */
  drain: () => Promise<void>;
}

/**
 * Opens the database, listens, and serves until it is disposed of.
 * @throws Error when the port is taken or the database cannot be opened; nothing is left open then.
 */
export async function startServer(
  config: Configuration,
  overrides: { logDestination?: DestinationStream } = {},
): Promise<RunningServer> {
  await using opened = new Disposables();
  const development = config.environment === 'development';
  const log = createLog({
    level: config.log.level,
    format: development ? 'pretty' : 'json',
    secrets: [
      config.auth.jwtSecret,
      ...config.auth.jwtPreviousSecrets,
      config.provider?.apiKey,
      config.metrics?.token,
      ...databaseSecrets(config.database),
      ...(config.redis ? [decodeURIComponent(new URL(config.redis.url).password)] : []),
    ].filter((secret) => !!secret) as string[],
    destination: overrides.logDestination,
  });

  const services = opened.use(await createServices(config, log));
  const schema = await createSchema(services.resolvers);
  const documents = new DocumentPreparer(schema, { introspection: development });
  const graphql = opened.use(await createGraphQLHandler({ schema, documents, introspection: development, log }));
  const { connections, contextFor, bus, streamDirectory } = services;
  const shared = streamDirectory && { directory: streamDirectory, bus };
  const streams = createEventStreams({ schema, documents, connections, contextFor, shared, log });
  const playground = development ? createPlayground(PLAYGROUND) : null;
  const allowCors = cors({ origin: config.http.corsOrigins, exposedHeaders: ['x-request-id'], maxAge: 86_400 });

  const server = createServer((request, response) => {
    const requestId = requestIdOf(request);
    response.setHeader('x-request-id', requestId);
    response.setHeader('x-content-type-options', 'nosniff');
    route(request, response, requestId).catch((error: unknown) => {
      const isGone = request.destroyed && !request.complete;
      log[isGone ? 'debug' : 'error']({ err: error, requestId }, 'A request could not be served.');
      if (!response.headersSent) response.writeHead(isPassing(error) ? 503 : 500);
      response.end();
    });
  });

  server.keepAliveTimeout = KEEP_ALIVE;

  const originOf = (request: IncomingMessage, authorization: string | null, requestId: string): RequestOrigin => ({
    requestId,
    authorization,
    userAgent: request.headers['user-agent'] ?? null,
    address: clientAddress(request, config.http.trustProxy),
  });

  // Also those that were upgraded, which the HTTP server forgets.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  async function route(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    if (playground?.(request, response)) return;
    switch (request.url!.split('?')[0]) {
      case PATH:
        measure(response);
        return await operate(graphql.handle, request, response, requestId);
      case `${PATH}/stream`:
        return await operate(streams.handle, request, response, requestId);
      case '/healthz':
        return void response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
      case '/readyz':
        return await ready(response);
      case '/metrics':
        if (!config.metrics) return missing(response);
        return await serveMetrics(services.metrics, config.metrics.token, request, response);
      default:
        return missing(response);
    }
  }

  async function operate(
    handle: GraphQLHandler,
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> {
    if (await answeredByCors(request, response)) return;
    const origin = originOf(request, request.headers.authorization ?? null, requestId);
    await handle(request, response, contextFor(origin));
  }

  function measure(response: ServerResponse): void {
    const ended = services.metrics.requestSeconds.startTimer();
    response.once('close', () => ended({ status: response.writableFinished ? response.statusCode : 'aborted' }));
  }

  function missing(response: ServerResponse): void {
    response.writeHead(404, { 'content-type': 'text/plain' }).end(`Nothing is here; the API is at ${PATH}.\n`);
  }

  async function unreadiness(): Promise<string | null> {
    if (services.engine.isDraining) return 'The server is shutting down.';
    if (!(await services.orm.isConnected())) return 'The database is out of reach.';
    return !services.redis || (await services.redis.isReady()) ? null : 'Redis is out of reach.';
  }

  async function ready(response: ServerResponse): Promise<void> {
    const problem = await unreadiness();
    response.writeHead(problem ? 503 : 200, { 'content-type': 'text/plain' }).end(`${problem ?? 'ok'}\n`);
  }

  /** Sets the CORS headers; true when that was a preflight request, which is then answered. */
  const answeredByCors = (request: IncomingMessage, response: ServerResponse) =>
    new Promise<boolean>((resolve, reject) => {
      response.once('finish', () => resolve(true));
      allowCors(request, response, (error?: unknown) => (error instanceof Error ? reject(error) : resolve(false)));
    });

  opened.defer(async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    // Answers that were waited for are on their way out.
    const impatience = setTimeout(() => sockets.forEach((socket) => socket.destroy()), CLOSING_TIME);
    await closed;
    clearTimeout(impatience);
  });
  opened.use(streams);
  opened.use(
    serveWebSockets({
      server,
      path: PATH,
      schema,
      documents,
      log,
      contextFor,
      connections,
      originOf: (request, authorization) => originOf(request, authorization, requestIdOf(request)),
      isAllowedOrigin: (origin, request) =>
        config.http.corsOrigins.includes(origin) || (development && isSameOrigin(origin, request)),
    }),
  );

  server.listen(config.http.port, config.http.host);
  await once(server, 'listening');

  const { address, family, port } = server.address() as AddressInfo;
  const owned = opened.move();
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    playground: playground !== null,
    services,
    log,
    async drain() {
      await services.engine.drain(config.shutdownGrace);
      // Whoever followed an answer to its end is told so before the sockets close.
      await services.following.idle(CLOSING_TIME);
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** The playground's page connects from where it was served. */
const isSameOrigin = (origin: string, request: IncomingMessage): boolean =>
  URL.canParse(origin) && new URL(origin).host === request.headers.host;
