import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { execute, type ExecutionArgs, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { createHandler, type Request, type Response as Answer } from 'graphql-sse';
import { readJsonBody } from '../http/read-body.js';
import { DisposableList } from '../lifecycle/disposables.js';
import type { Bus } from '../pubsub/bus.js';
import type { Logger } from '../telemetry/log.js';
import { generatorOf } from './cancellable.js';
import type { Connections } from './connections.js';
import type { RequestContext, RequestOrigin, Viewer } from './context.js';
import type { GraphQLHandler } from './http.js';
import type { DocumentPreparer } from './prepare.js';
import { Outlet, PATIENCE } from './outlet.js';
import { toPublicError } from './public-errors.js';
import { SharedStreams, type PassedAnswer, type PassedRequest } from './shared-streams.js';
import { MOST_STREAMS, type StreamDirectory } from './stream-directory.js';
import { flushed, isOpen, written } from './stream-writing.js';
import { subscribePerEvent, type ResultSender } from './subscribe.js';

export interface EventStreamOptions {
  schema: GraphQLSchema;
  documents: DocumentPreparer;
  connections: Connections;
  contextFor: (origin: RequestOrigin) => RequestContext;
  /** Null where there is one instance only. */
  shared: { directory: StreamDirectory; bus: Bus } | null;
  log: Logger;
}

/** What graphql-sse hands back to us with each request. */
interface Call {
  context: RequestContext;
  /** Null for what another instance has passed on: it has the client. */
  response: ServerResponse | null;
  /** Null for who has not signed in, or not well. */
  viewer: Viewer | null;
  /** Told once the operation is found good and begins. */
  begin?: () => void;
  /** The token, where the call is one of our own. */
  own?: string;
}

/** What is executed, and the response that its results go to: null while that is not open yet. */
interface StreamedArgs extends ExecutionArgs {
  target: () => ServerResponse | null;
  operationId: string | null;
  begin: (() => void) | undefined;
}

type StreamRequest = Request<IncomingMessage, Call>;

/** A stream of the single connection mode: reserved by PUT, opened by GET, fed by POSTs. */
interface Stream {
  sessionId: string;
  response: ServerResponse | null;
  expiry?: NodeJS.Timeout;
}

const TOKEN_HEADER = 'x-graphql-event-stream-token';

/** What graphql-sse looks at. */
const PASSED_HEADERS = ['accept', 'content-type', TOKEN_HEADER];

/** How long responses may take to end when the server closes, in milliseconds. */
const CLOSING_TIME = 1_000;

/**
 * Serves every operation over Server-Sent Events, in both modes of the protocol graphql-sse: a response for each
 * operation, or one for all. A reader that is slow gets merged events, and one that does not read at all is cut.
 */
export function createEventStreams(options: EventStreamOptions): { handle: GraphQLHandler } & AsyncDisposable {
  const { schema, documents, connections, contextFor, log } = options;
  const open = new Set<ServerResponse>();
  /** Those that are open here; with one instance also those that are only reserved. */
  const streams = new Map<string, Stream>();
  const outlets = new WeakMap<ServerResponse, Outlet>();
  const outletOf = (response: ServerResponse): Outlet => {
    let outlet = outlets.get(response);
    if (!outlet) outlets.set(response, (outlet = new Outlet(response)));
    return outlet;
  };

  const handler = createHandler<IncomingMessage, Call, Record<PropertyKey, unknown>>({
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
        target: () => (token ? (streams.get(token)?.response ?? null) : response),
        // Where operations share a stream, each is named in its messages.
        operationId: token ? (extensions?.['operationId'] as string) : null,
        begin,
      };
    },
    // It has been validated, with the limits.
    validate: () => [],
    execute(args) {
      (args as StreamedArgs).begin?.();
      return execute(args);
    },
    subscribe: (args) => subscribe(args as StreamedArgs),
    // Errors go into the stream: a 4xx would make clients come back and ask the same again.
    onNext(_context, request, { errors, data }) {
      if (!errors) return;
      const { requestId } = request.context.context;
      const told = errors.map((error) => toPublicError(error, requestId, log));
      return { data: data ?? null, errors: told } as unknown as ExecutionResult;
    },
  });

  /** graphql-sse keeps what its reader has not taken yet, without a bound: so nothing is made before that is read. */
  async function subscribe(args: StreamedArgs) {
    const { target, operationId, begin } = args;
    begin?.();
    const [before, after] = operationId === null ? ['', ''] : [`{"id":${JSON.stringify(operationId)},"payload":`, '}'];
    let response: ServerResponse | null = null;
    const sender: ResultSender = {
      get outlet() {
        return outletOf(response!);
      },
      send(result) {
        if (isOpen(response!)) response!.write(`event: next\ndata: ${before}${result}${after}\n\n`);
      },
    };
    const events = await subscribePerEvent({ ...args, sender });
    if (!(Symbol.asyncIterator in events)) return events;
    return generatorOf<ExecutionResult>(
      async () => {
        response = await flushed(target);
        return response ? await events.next() : await events.return();
      },
      () => events.return(),
    );
  }

  /** The stream's token: one that the caller's own PUT was answered with, a new one for a PUT, else none. */
  function streamToken(request: StreamRequest): string | [null, { status: number; statusText: string }] {
    const { viewer, own } = request.context;
    if (own) return own;
    const given = tokenOf(request);
    if (request.method === 'PUT') {
      if (!viewer) return [null, { status: 401, statusText: 'Unauthorized' }];
      const mine = [...streams.values()].filter(({ sessionId }) => sessionId === viewer.sessionId);
      if (mine.length >= MOST_STREAMS) return [null, { status: 429, statusText: 'Too Many Requests' }];
      const token = randomUUID();
      streams.set(token, {
        sessionId: viewer.sessionId,
        response: null,
        expiry: setTimeout(() => void discard(token), PATIENCE).unref(),
      });
      return token;
    }
    if (!given) return randomUUID();
    if (!viewer || streams.get(given)?.sessionId !== viewer.sessionId)
      return [null, { status: 404, statusText: 'Not Found' }];
    return given;
  }

  /** A call of our own, by which graphql-sse registers a stream (PUT) or opens it (GET). */
  async function callOwn(method: 'PUT' | 'GET', token: string): Promise<Answer> {
    const accept = method === 'GET' ? 'text/event-stream' : undefined;
    return await handler({
      method,
      url: '/',
      headers: { get: (name) => (name === 'accept' ? accept : undefined) },
      body: null,
      raw: null as never,
      context: { own: token } as Call,
    });
  }

  /** Has graphql-sse forget a stream that was never opened, in the way that it knows: opened, and closed. */
  async function discard(token: string): Promise<void> {
    if (!streams.has(token) || streams.get(token)!.response) return;
    const [body] = await callOwn('GET', token);
    streams.delete(token);
    await ended(body);
  }

  /** What the instances answer together, or the one that has the stream; null for what this one answers. */
  async function answerOfShared(call: StreamRequest, origin: RequestOrigin): Promise<Answer | null> {
    const { viewer } = call.context;
    if (!shared || !viewer) return null;
    if (call.method === 'PUT') return await shared.reserve(viewer);
    const token = tokenOf(call);
    if (!token || streams.has(token)) return null;
    if (!opens(call)) {
      const headers = Object.fromEntries(PASSED_HEADERS.map((name) => [name, call.headers.get(name) ?? undefined]));
      const body = await (call.body as () => Promise<PassedRequest['body']>)();
      return await shared.pass(viewer, token, { origin, method: call.method, url: call.url, headers, body });
    }
    const refusal = await shared.claim(viewer, token);
    if (refusal) return refusal;
    streams.set(token, { sessionId: viewer.sessionId, response: null });
    await callOwn('PUT', token);
    return null;
  }

  /**
   * Answers what another instance has passed on. An operation is accepted once it begins: nobody waits for its end, for
   * its results go into the stream.
   */
  async function answerPassed({ origin, headers, body, ...request }: PassedRequest): Promise<PassedAnswer> {
    const context = contextFor(origin);
    const viewer = await context.viewer().catch(() => null);
    return await new Promise((resolve) => {
      const begin = () => resolve([null, { status: 202, statusText: 'Accepted' }]);
      const call: StreamRequest = {
        ...request,
        headers: { get: (name) => headers[name] },
        body: async () => body,
        raw: null as never,
        context: { context, response: null, viewer, begin },
      };
      handler(call).then(
        ([answer, init]) => resolve([typeof answer === 'string' ? answer : null, init]),
        (error: unknown) => {
          log.error({ err: error, requestId: origin.requestId }, 'A request could not be served.');
          resolve([null, { status: 500, statusText: 'Internal Server Error' }]);
        },
      );
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse, context: RequestContext): Promise<void> {
    // Before anything is waited for: the client may go at any time, and its session may end.
    using cleanUp = new DisposableList();
    open.add(response);
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    void closed.then(() => open.delete(response));
    const viewer = await context.viewer().catch(() => null);
    if (viewer) cleanUp.use(connections.add(viewer, () => void response.destroy()));

    const call: StreamRequest = {
      method: request.method!,
      url: request.url!,
      headers: { get: (name) => header(request, name) },
      // An object, or null for what is none: graphql-sse answers that with a 400.
      body: () => readJsonBody(request).catch(() => null) as Promise<Record<string, unknown> | null>,
      raw: request,
      context: { context, response, viewer },
    };
    const elsewhere = await answerOfShared(call, context.origin);
    const token = tokenOf(call);
    const stream = token ? streams.get(token) : undefined;
    if (token && stream && opens(call) && !stream.response && stream.sessionId === viewer?.sessionId) {
      stream.response = response;
      clearTimeout(stream.expiry);
      cleanUp.defer(() => {
        streams.delete(token);
        shared?.release(stream.sessionId, token);
      });
    }

    const [body, { status, statusText, headers }] = elsewhere ?? (await handler(call));
    if (response.destroyed) return await ended(body);
    response.writeHead(status, statusText, headers);
    if (!body || typeof body === 'string') {
      response.end(body ?? undefined);
      return await closed;
    }
    void closed.then(() => body.return(undefined));
    for await (const event of body) {
      if (!isOpen(response)) break;
      await written(response, event);
    }
    response.end();
    await closed;
  }

  const shared = options.shared && new SharedStreams(options.shared.directory, options.shared.bus, answerPassed);

  return {
    handle,
    async [Symbol.asyncDispose]() {
      shared?.[Symbol.dispose]();
      for (const { expiry } of streams.values()) clearTimeout(expiry);
      for (const response of open) response.end();
      const impatience = setTimeout(() => open.forEach((response) => response.destroy()), CLOSING_TIME);
      await Promise.all([...open].filter(({ closed }) => !closed).map((response) => once(response, 'close')));
      clearTimeout(impatience);
    },
  };
}

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : value;
};

const tokenOf = (request: StreamRequest): string | null =>
  (request.headers.get(TOKEN_HEADER) as string | undefined) ??
  new URL(request.url, 'http://localhost').searchParams.get('token');

const opens = ({ method, headers }: StreamRequest): boolean =>
  (method === 'GET' || method === 'DELETE') && headers.get('accept') === 'text/event-stream';

/** Ends what nobody is going to read. */
async function ended(body: Answer[0]): Promise<void> {
  if (body && typeof body !== 'string') await body.return(undefined);
}
