import { GraphQLError } from 'graphql';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isTransient } from '../../platform/db/transient-error.js';
import type { RequestContext, RequestOrigin } from '../../platform/graphql/context.js';
import type { Logger } from '../../platform/telemetry/log.js';
import type { Metrics } from '../../platform/telemetry/metrics.js';
import type { Tracing } from '../../platform/telemetry/tracing.js';
import type { HostCheck } from './allowed-hosts.js';
import type { TransportLimits } from '../connections/transport-limits.js';
import type { CorsHandler } from './cors.js';
import { isExportPath, serveExport, type OpenExport } from './exports.js';
import type { GraphQLHandler } from './graphql-over-http.js';
import type { OperationLog, Transport } from '../operation-log.js';
import { serveLiveness, serveReadiness, type ReadinessChecks } from './health.js';
import { measureRequest, serveMetrics } from './metrics.js';
import { acceptsHtml, createPage, serveApiNotice } from './page.js';
import { API_PATH, getPath } from './paths.js';
import { sendError } from './error-response.js';
import { inTurn } from './pipelining.js';
import { lacksHost, malformed } from './protocol-errors.js';
import { RequestError } from './request-error.js';
import { getRequestId } from './request-id.js';
import type { OriginReader } from './request-origin.js';
import { setSecurityHeaders } from './security-headers.js';
import type { PageHandler } from './static-files.js';

export interface RouterOptions {
  /** The version of Parley. */
  version: string;
  graphql: GraphQLHandler;
  openExport: OpenExport;
  eventStreams: GraphQLHandler;
  /** Null when the playground is not served. */
  playground: PageHandler | null;
  /** Null when the web chat is not served. */
  webChat: PageHandler | null;
  readiness: ReadinessChecks;
  metrics: Metrics;
  tracing: Tracing;
  /** Null when /metrics is not served. */
  metricsAccess: { token: string | null } | null;
  cors: CorsHandler;
  isAllowedHost: HostCheck;
  readOrigin: OriginReader;
  createContext: (origin: RequestOrigin) => RequestContext;
  limits: TransportLimits;
  operations: OperationLog;
  log: Logger;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Creates the listener that sends each request to the handler of its path. */
export function createRouter(options: RouterOptions): RequestListener {
  const { graphql, eventStreams, playground, webChat, readiness, metrics, metricsAccess, limits, operations, log } =
    options;

  const routes = new Map<string, Handler>([
    ['/', createPage({ version: options.version, playground: playground !== null })],
    [API_PATH, serveApi],
    [`${API_PATH}/stream`, (request, response) => serve(eventStreams, 'sse', request, response)],
    ['/healthz', (_request, response) => serveLiveness(response)],
    ['/readyz', (_request, response) => serveReadiness(response, readiness)],
  ]);
  if (metricsAccess)
    routes.set('/metrics', (request, response) => serveMetrics(metrics, metricsAccess.token, request, response));

  async function serveApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (acceptsHtml(request)) return serveApiNotice(response);
    measureRequest(metrics, response);
    await serve(graphql, 'http', request, response);
  }

  async function serve(
    handle: GraphQLHandler,
    transport: Transport,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    response.setHeader('cache-control', 'no-store');
    if (await options.cors(request, response)) return;
    const origin = options.readOrigin(request);
    const { method, headers } = request;
    const route = getPath(request);
    const attributes = { 'http.request.method': method, 'http.route': route, 'parley.request_id': origin.requestId };
    await options.tracing.run(`${method} ${route}`, { kind: 'server', headers, attributes }, async (add) => {
      const context = options.createContext(origin);
      await handle(request, response, context).catch((error: unknown) => {
        if (error instanceof RequestError) {
          const { message, extensions } = error.error;
          const errors = [new GraphQLError(message, { extensions: { ...extensions } })];
          operations.refuse(context, { transport, document: null }, errors);
        }
        throw error;
      });
      add({ 'http.response.status_code': response.statusCode });
    });
  }

  async function serveExportFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await options.cors(request, response)) return;
    await serveExport(options.openExport, options.readOrigin(request), request, response);
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (playground?.(request, response) || webChat?.(request, response)) return;
    const handle = routes.get(getPath(request)) ?? (isExportPath(request) ? serveExportFile : serveNotFound);
    await handle(request, response);
  }

  function handleFailure(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (error instanceof RequestError && !response.headersSent) {
      for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
      return sendError(response, error.error, error.status);
    }
    // A body that is complete may still wait to be read.
    const isRead = request.complete && (request.readableEnded || !request.readableDidRead);
    const isAborted = request.destroyed && !isRead;
    log[isAborted ? 'debug' : 'error']({ err: error, requestId: getRequestId(request) }, 'Request failed.');
    if (!response.headersSent) response.writeHead(isTransient(error) ? 503 : 500);
    response.end();
  }

  return inTurn((request, response) => {
    response.setHeader('x-request-id', getRequestId(request));
    setSecurityHeaders(response);
    const refusal = limits.connections.admit(request, response);
    if (refusal) {
      response.setHeader('connection', 'close');
      return sendError(response, refusal);
    }
    if (lacksHost(request)) return sendError(response, malformed('The Host header is missing.'));
    if (!options.isAllowedHost(request)) return void rejectHost(response);
    route(request, response).catch((error: unknown) => handleFailure(error, request, response));
  });
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#status.421 */
function rejectHost(response: ServerResponse): void {
  response.writeHead(421, { 'content-type': 'text/plain' });
  response.end('The Host header does not name this server: use localhost, or add the origin to CORS_ORIGIN.\n');
}

function serveNotFound(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain' }).end(`Not found. The API is at ${API_PATH}.\n`);
}
