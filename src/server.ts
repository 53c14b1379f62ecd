import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Configuration } from './platform/config/configuration.js';
import { readVersion } from './platform/config/package-root.js';
import { traceRootFields } from './platform/graphql/trace-fields.js';
import { Disposables } from './platform/lifecycle/disposables.js';
import type { Logger } from './platform/telemetry/log.js';
import { noTracing } from './platform/telemetry/tracing.js';
import { createSchema } from './schema.js';
import { createServices, type Services } from './services.js';
import { TransportLimits } from './transport/connections/transport-limits.js';
import { DocumentCache } from './transport/documents/document-cache.js';
import { divideHeavyOperations } from './transport/documents/heavy-field-turns.js';
import { readManifest } from './transport/documents/manifest.js';
import {
  AutomaticPersistedQueries,
  TrustedDocuments,
  type PersistedDocuments,
} from './transport/documents/persisted-documents.js';
import { createHostCheck } from './transport/http/allowed-hosts.js';
import { OperationLog } from './transport/operation-log.js';
import { AllowedOrigins } from './transport/http/allowed-origins.js';
import { createCors } from './transport/http/cors.js';
import { CLOSE_TIMEOUT_MS, closeGracefully } from './transport/http/graceful-close.js';
import { createGraphQLHandler } from './transport/http/graphql-over-http.js';
import { createPlayground } from './transport/http/playground.js';
import { createOriginReader } from './transport/http/request-origin.js';
import { API_PATH } from './transport/http/paths.js';
import { answerProtocolErrors, protocolOptions } from './transport/http/protocol-errors.js';
import { createRouter } from './transport/http/router.js';
import { createWebChat } from './transport/http/web-chat.js';
import { createEventStreams } from './transport/sse/event-streams.js';
import { serveWebSockets } from './transport/websocket/websocket-server.js';

/** The folder with the bundles of the playground and the web chat: the parent of the folder of the compiled server. */
const PAGES_FOLDER = join(import.meta.dirname, '..');

/**
 * How long idle connections are kept open. Longer than the proxies in front keep theirs, because a request that arrives
 * while its connection is being closed is lost.
 */
export const KEEP_ALIVE_TIMEOUT_MS = 95_000;

export interface RunningServer extends AsyncDisposable {
  /** The address that the server listens on, such as http://127.0.0.1:4000. */
  url: string;
  /** Whether the playground is served at /graphql. */
  playground: boolean;
  /** Whether the web chat is served at /. */
  webChat: boolean;
  services: Services;
  /** Refuses new questions, and lets running answers finish within the grace period. Dispose of the server afterwards. */
  drain: () => Promise<void>;
}

/**
 * Opens the database, listens, and serves until it is disposed of.
 * @throws Error when the port is taken or the database cannot be opened; nothing remains open in that case.
 */
export async function startServer(
  config: Configuration,
  log: Logger,
  overrides: { pagesFolder?: string } = {},
): Promise<RunningServer> {
  await using opened = new Disposables();
  const { corsOrigins, trustProxy } = config.http;
  const isDevelopment = config.environment === 'development';

  const services = opened.use(await createServices(config, log));
  const { orm, redis, engine, following, connections, createContext, metrics, tracing } = services;
  const schema = await createSchema(services.resolvers);
  if (tracing) traceRootFields(schema, tracing);
  // The playground reads the schema.
  const introspection = isDevelopment || config.http.playground;
  const documents = new DocumentCache(schema, createPersistedDocuments(config), { introspection });
  const readOrigin = createOriginReader(trustProxy);
  const isAllowedHost = isDevelopment ? createHostCheck(config.http.host, corsOrigins) : () => true;
  const origins = new AllowedOrigins(
    {
      corsOrigins,
      allowsLoopback: isDevelopment,
      allowsOwnPages: (request) => (config.http.playground || config.http.webChat) && isAllowedHost(request),
    },
    log,
  );
  const limits = opened.use(new TransportLimits(config, (request) => readOrigin(request).address));
  divideHeavyOperations(schema, (context) => limits.operations.takeTurn(context));
  const operations = new OperationLog(log, metrics);
  const eventStreams = createEventStreams({
    schema,
    documents,
    operations,
    connections,
    hasOtherInstances: redis !== null,
    limits,
    log,
  });
  const graphql = opened.use(
    await createGraphQLHandler({ schema, documents, eventStreams: eventStreams.handle, limits, operations, log }),
  );
  const version = readVersion();
  const { playground, webChat } = createPages(config, version, overrides.pagesFolder ?? PAGES_FOLDER);

  const server = createServer(
    protocolOptions,
    createRouter({
      version,
      graphql: graphql.handle,
      openExport: services.exports.open.bind(services.exports),
      eventStreams: eventStreams.handle,
      playground,
      webChat,
      readiness: {
        isDraining: () => engine.isDraining,
        isDatabaseReachable: () => orm.isConnected(),
        isRedisReachable: redis && (() => redis.isReady()),
        getProviderStatus: () => services.getProviderStatus(),
      },
      metrics,
      tracing: tracing ?? noTracing,
      metricsAccess: config.metrics,
      cors: createCors(origins),
      isAllowedHost,
      readOrigin,
      createContext,
      limits,
      operations,
      log,
    }),
  );
  answerProtocolErrors(server);
  limits.watch(server);
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  opened.use(closeGracefully(server));
  opened.use(eventStreams);
  opened.use(
    serveWebSockets({
      server,
      path: API_PATH,
      schema,
      documents,
      origins,
      readOrigin,
      createContext,
      connections,
      limits,
      operations,
      log,
    }),
  );

  const url = await listen(server, config.http);
  const owned = opened.move();
  return {
    url,
    playground: playground !== null,
    webChat: webChat !== null,
    services,
    async drain() {
      await engine.drain(config.shutdownGrace);
      // Followers receive the end of their answer before the sockets close.
      await following.idle(CLOSE_TIMEOUT_MS);
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Creates what is served to browsers; null if it is switched off or has not been built. */
function createPages(config: Configuration, version: string, folder: string) {
  const { http, provider, mail, emailVerification, guests, registration, identity } = config;
  const playground = http.playground ? createPlayground(join(folder, 'playground')) : null;
  const facts = {
    version,
    playground: playground !== null,
    demo: provider === null,
    mail: mail !== null,
    // Without SMTP_URL, users get no mails: they are printed to the terminal.
    verification: emailVerification === 'optional' && !mail?.smtpUrl ? ('off' as const) : emailVerification,
    guests: guests !== null,
    registration: registration === 'open',
    identity: identity?.signIn ?? null,
  };
  return { playground, webChat: http.webChat ? createWebChat(join(folder, 'web'), facts) : null };
}

const createPersistedDocuments = ({ trustedDocuments }: Configuration): PersistedDocuments =>
  trustedDocuments ? new TrustedDocuments(readManifest(trustedDocuments.folder)) : new AutomaticPersistedQueries();

/** Resolves to the address that the server listens on. */
async function listen(server: Server, { host, port }: Configuration['http']): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const bound = server.address() as AddressInfo;
  return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
