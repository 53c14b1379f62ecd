import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Response as Answer } from 'graphql-sse';
import { DisposableList } from '../lifecycle/disposables.js';
import type { Bus } from '../pubsub/bus.js';
import type { Logger } from '../telemetry/log.js';
import type { Connections } from './connections.js';
import type { RequestContext, RequestOrigin } from './context.js';
import type { GraphQLHandler } from './http.js';
import { LocalStreams } from './local-streams.js';
import { answerPassed, passedRequestOf } from './passed-request.js';
import type { DocumentPreparer } from './prepare.js';
import { SharedStreams } from './shared-streams.js';
import type { StreamDirectory } from './stream-directory.js';
import { createStreamHandler } from './stream-handler.js';
import { isAboutStream, opens, streamRequestOf, tokenOf, viewerOf, type StreamRequest } from './stream-request.js';
import { respond } from './stream-writing.js';

export interface EventStreamOptions {
  schema: GraphQLSchema;
  documents: DocumentPreparer;
  connections: Connections;
  contextFor: (origin: RequestOrigin) => RequestContext;
  /** Null where there is one instance only. */
  shared: { directory: StreamDirectory; bus: Bus } | null;
  log: Logger;
}

/** How long responses may take to end when the server closes, in milliseconds. */
const CLOSING_TIME = 1_000;

/**
 * Serves every operation over Server-Sent Events, in both modes of the protocol graphql-sse: a response for each
 * operation, or one for all. A reader that is slow gets merged events, and one that does not read at all is cut.
 */
export function createEventStreams(options: EventStreamOptions): { handle: GraphQLHandler } & AsyncDisposable {
  const { schema, documents, connections, contextFor, log } = options;
  const responses = new Set<ServerResponse>();
  const streams = new LocalStreams();
  const handler = createStreamHandler({ schema, documents, streams, log });
  const shared =
    options.shared &&
    new SharedStreams(options.shared.directory, options.shared.bus, (request) =>
      answerPassed(request, { handler, contextFor, log }),
    );

  /** What the instances answer together, or the one that has the stream; null for what this one answers. */
  async function answerOfShared(request: StreamRequest): Promise<Answer | null> {
    const { viewer } = request.context;
    if (!shared || !viewer) return null;
    if (request.method === 'PUT') return await shared.reserve(viewer);
    const token = tokenOf(request);
    if (!token || streams.has(token)) return null;
    if (!opens(request)) return await shared.pass(viewer, token, await passedRequestOf(request));
    const refusal = await shared.claim(viewer, token);
    if (refusal) return refusal;
    streams.add(viewer.sessionId, token);
    await handler.register(token);
    return null;
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse, context: RequestContext): Promise<void> {
    // Before anything is waited for: the client may go at any time, and its session may end.
    using cleanUp = new DisposableList();
    responses.add(response);
    response.once('close', () => responses.delete(response));
    const request = streamRequestOf(incoming, { context, response, viewer: null });
    const viewer = await viewerOf(context).catch((error: unknown) => {
      // Who was told to be nobody would throw the stream away. Another operation tells its client itself.
      if (isAboutStream(request)) throw error;
      return null;
    });
    if (viewer) cleanUp.use(connections.add(viewer, () => void response.destroy()));
    request.context.viewer = viewer;
    // The session may have ended before its end could cut the response: the operation finds out anew.
    request.context.context = context.fresh();

    const elsewhere = await answerOfShared(request);
    const token = tokenOf(request);
    if (!elsewhere && token && viewer && opens(request) && streams.open(viewer.sessionId, token, response)) {
      cleanUp.defer(() => {
        streams.remove(token);
        shared?.release(viewer.sessionId, token);
      });
    }
    await respond(response, elsewhere ?? (await handler.answer(request)));
  }

  return {
    handle,
    async [Symbol.asyncDispose]() {
      shared?.[Symbol.dispose]();
      streams[Symbol.dispose]();
      for (const response of responses) response.end();
      const impatience = setTimeout(() => responses.forEach((response) => response.destroy()), CLOSING_TIME);
      await Promise.all([...responses].filter(({ closed }) => !closed).map((response) => once(response, 'close')));
      clearTimeout(impatience);
    },
  };
}
