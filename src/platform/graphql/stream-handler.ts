import { randomUUID } from 'node:crypto';
import { execute, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { createHandler, type Response as Answer } from 'graphql-sse';
import type { Logger } from '../telemetry/log.js';
import type { LocalStreams } from './local-streams.js';
import type { DocumentPreparer } from './prepare.js';
import { toPublicError } from './public-errors.js';
import { tokenOf, type StreamCall, type StreamRequest } from './stream-request.js';
import { StreamSubscriptions, type StreamedArgs } from './stream-subscriptions.js';
import { abandoned } from './stream-writing.js';

export interface StreamHandlerOptions {
  schema: GraphQLSchema;
  documents: DocumentPreparer;
  streams: LocalStreams;
  log: Logger;
}

export interface StreamHandler {
  answer: (request: StreamRequest) => Promise<Answer>;
  /** Has graphql-sse know a stream that all instances have reserved together. */
  register: (token: string) => Promise<void>;
}

type OperationArgs = StreamedArgs & Pick<StreamCall, 'begin'>;

/** graphql-sse, as it is used here: it runs the operations, and keeps a state of its own for each of the streams. */
export function createStreamHandler({ schema, documents, streams, log }: StreamHandlerOptions): StreamHandler {
  const subscriptions = new StreamSubscriptions();

  const answer = createHandler<null, StreamCall, Record<PropertyKey, unknown>>({
    authenticate: (request) => streamToken(request),
    onSubscribe(request, { query, operationName, variables, extensions }) {
      const { context, response, begin } = request.context;
      const token = tokenOf(request);
      const document = documents.prepare({ query, operationName, variables });
      if (!('kind' in document)) return { data: null, errors: document };
      return {
        schema,
        document,
        operationName,
        variableValues: variables,
        contextValue: context as never,
        target: () => (token ? streams.responseOf(token) : response),
        // As graphql-sse has it.
        operationId: token ? String(extensions?.['operationId']) : null,
        begin,
      };
    },
    // It has been validated, with the limits.
    validate: () => [],
    execute(args) {
      (args as OperationArgs).begin?.();
      return execute(args);
    },
    subscribe(args) {
      (args as OperationArgs).begin?.();
      return subscriptions.subscribe(args as OperationArgs);
    },
    // Errors go into the stream: a 4xx would make clients come back and ask the same again.
    onNext(_context, request, { errors, data }) {
      if (!errors) return;
      const { requestId } = request.context.context;
      const told = errors.map((error) => toPublicError(error, requestId, log));
      return { data: data ?? null, errors: told } as unknown as ExecutionResult;
    },
  });

  /** The stream's token: one that the caller's own PUT was answered with, or a new one for a PUT. */
  function streamToken(request: StreamRequest): string | Answer {
    const { viewer, own } = request.context;
    if (own) return own;
    if (request.method === 'PUT') {
      if (!viewer) return [null, { status: 401, statusText: 'Unauthorized' }];
      const reserved = streams.reserve(viewer.sessionId, (token) => void discard(token));
      return reserved ?? [null, { status: 429, statusText: 'Too Many Requests' }];
    }
    const given = tokenOf(request);
    // For what has a response of its own, graphql-sse wants one that names no stream.
    if (!given) return randomUUID();
    if (!viewer || !streams.belongsTo(viewer.sessionId, given)) return [null, { status: 404, statusText: 'Not Found' }];
    return given;
  }

  /** A call of our own, by which graphql-sse registers a stream (PUT) or opens it (GET). */
  async function callOwn(method: 'PUT' | 'GET', token: string): Promise<Answer> {
    const accept = method === 'GET' ? 'text/event-stream' : undefined;
    return await answer({
      method,
      url: '/',
      headers: { get: (name) => (name === 'accept' ? accept : undefined) },
      body: null,
      raw: null,
      context: { own: token } as StreamCall,
    });
  }

  /** Has graphql-sse forget a stream that was never opened, in the way that it knows: opened, and closed. */
  async function discard(token: string): Promise<void> {
    const [body] = await callOwn('GET', token);
    streams.remove(token);
    await abandoned(body);
  }

  return { answer, register: async (token) => void (await callOwn('PUT', token)) };
}
