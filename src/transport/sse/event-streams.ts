import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { UnauthenticatedError } from '../../platform/errors/api-error.js';
import { ErrorReason } from '../../platform/errors/error-code.js';
import type { RequestContext, Viewer } from '../../platform/graphql/context.js';
import { DisposableList } from '../../platform/lifecycle/disposables.js';
import { badRequest } from '../http/request-error.js';
import type { OperationRequest } from '../http/operation-request.js';
import type { Connections } from '../connections/connections.js';
import { accepts, notAcceptable } from './accept.js';
import { createStreamHandler, type StreamHandlerOptions } from './stream-handler.js';
import { StreamRegistry } from './stream-registry.js';
import {
  getResponseType,
  getStreamToken,
  isSingleConnection,
  opensStream,
  toStreamRequest,
  type StreamTarget,
} from './stream-request.js';
import { respond } from './stream-response.js';

/** @param operation the operation of the request if it has been read already */
export type EventStreamHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
  operation?: OperationRequest,
) => Promise<void>;

export interface EventStreamOptions extends Omit<StreamHandlerOptions, 'streams'> {
  connections: Connections;
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];

/** How long responses may take to end when the server closes. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Serves all operations over Server-Sent Events, in both modes of the graphql-sse protocol: distinct connections, with
 * a response for each operation, and a single connection, with one response for all. Clients that read slowly get
 * merged events; the connection of a client that stops reading is closed.
 */
export function createEventStreams(options: EventStreamOptions): { handle: EventStreamHandler } & AsyncDisposable {
  const { connections, limits } = options;
  const responses = new Set<ServerResponse>();
  const streams = new StreamRegistry(limits);
  const execute = createStreamHandler({ ...options, streams });

  async function handle(
    incoming: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
    operation?: OperationRequest,
  ): Promise<void> {
    if (!METHODS.includes(incoming.method!)) {
      const allow = METHODS.join(', ');
      throw badRequest('method', `Must be one of ${allow}.`, {
        status: 405,
        headers: { allow },
        reason: ErrorReason.METHOD,
      });
    }
    const type = getResponseType(incoming);
    if (!accepts(incoming, type)) throw notAcceptable(type);
    // First of all, because the client may close the connection, and its session may end, at any time.
    using cleanUp = new DisposableList();
    responses.add(response);
    response.once('close', () => responses.delete(response));
    const target: StreamTarget = { response, writer: limits.writers.get(incoming.socket), connection: null };
    const request = toStreamRequest(incoming, { context, target, viewer: null }, limits, operation);
    const viewer = await findViewer(context).catch((error: unknown) => {
      // A 401 or 404 would make the client discard its stream, so rethrow. Other operations report the error themselves.
      if (isSingleConnection(request)) throw error;
      return null;
    });
    if (viewer) {
      target.connection = connections.add(viewer, () => void response.destroy());
      cleanUp.use(target.connection);
    }
    request.context.viewer = viewer;
    // The session may have ended before the response was registered, so the operation authenticates again.
    request.context.context = context.recreate();

    const token = getStreamToken(request);
    if (token && viewer && opensStream(request) && streams.open(viewer.sessionId, token, target))
      cleanUp.defer(() => streams.remove(token));
    const result = await execute(request);
    if (request.context.rejection) throw request.context.rejection;
    await respond(response, result);
  }

  return {
    handle,
    async [Symbol.asyncDispose]() {
      streams[Symbol.dispose]();
      for (const response of responses) response.end();
      const timeout = setTimeout(() => responses.forEach((response) => response.destroy()), CLOSE_TIMEOUT_MS);
      await Promise.all([...responses].filter(({ closed }) => !closed).map((response) => once(response, 'close')));
      clearTimeout(timeout);
    },
  };
}

/** Returns null when the client is not signed in or its access token is not valid. @throws any other failure */
async function findViewer(context: RequestContext): Promise<Viewer | null> {
  try {
    return await context.viewer();
  } catch (error) {
    if (error instanceof UnauthenticatedError) return null;
    throw error;
  }
}
