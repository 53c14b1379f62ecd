import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { execute, type ExecutionArgs, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { createHandler, type Request } from 'graphql-sse';
import { readJsonBody } from '../http/read-body.js';
import { DisposableList } from '../lifecycle/disposables.js';
import type { Logger } from '../telemetry/log.js';
import { generatorOf } from './cancellable.js';
import type { Connections } from './connections.js';
import type { RequestContext, Viewer } from './context.js';
import type { GraphQLHandler } from './http.js';
import type { DocumentPreparer } from './prepare.js';
import { Outlet, PATIENCE } from './outlet.js';
import { toPublicError } from './public-errors.js';
import { subscribePerEvent, type ResultSender } from './subscribe.js';

export interface EventStreamOptions {
  schema: GraphQLSchema;
  documents: DocumentPreparer;
  connections: Connections;
  log: Logger;
}

/** What graphql-sse hands back to us with each request. */
interface Call {
  context: RequestContext;
  response: ServerResponse;
  /** Null for who has not signed in, or not well. */
  viewer: Viewer | null;
}

/** What is executed, and the response that its results go to: null while that is not open yet. */
interface StreamedArgs extends ExecutionArgs {
  target: () => ServerResponse | null;
  operationId: string | null;
}

type StreamRequest = Request<IncomingMessage, Call>;

/** A stream of the single connection mode: prepared by PUT, opened by GET, fed by POSTs. */
interface Prepared {
  sessionId: string;
  response: ServerResponse | null;
  expiry: NodeJS.Timeout;
}

const TOKEN_HEADER = 'x-graphql-event-stream-token';

/** How often one that is not read is looked at again, in milliseconds. */
const POLL = 20;

/** How long responses may take to end when the server closes, in milliseconds. */
const CLOSING_TIME = 1_000;

/** Prepared streams of one session. */
const MOST_PREPARED = 20;

/**
 * Serves every operation over Server-Sent Events, in both modes of the protocol graphql-sse: a response for each
 * operation, or one for all. A reader that is slow gets merged events, and one that does not read at all is cut.
 */
export function createEventStreams(options: EventStreamOptions): { handle: GraphQLHandler } & AsyncDisposable {
  const { schema, documents, connections, log } = options;
  const open = new Set<ServerResponse>();
  const prepared = new Map<string, Prepared>();
  const outlets = new WeakMap<ServerResponse, Outlet>();
  const outletOf = (response: ServerResponse): Outlet => {
    let outlet = outlets.get(response);
    if (!outlet) outlets.set(response, (outlet = new Outlet(response)));
    return outlet;
  };

  const handler = createHandler<IncomingMessage, Call, Record<PropertyKey, unknown>>({
    authenticate: (request) => streamToken(request),
    onSubscribe(request, { query, operationName, variables, extensions }) {
      const { context, response } = request.context;
      const token = tokenOf(request);
      const document = documents.prepare({ query, operationName, variables });
      if (!('kind' in document)) return { data: null, errors: document };
      return {
        schema,
        document,
        operationName,
        variableValues: variables,
        contextValue: context as never,
        target: () => (token ? (prepared.get(token)?.response ?? null) : response),
        // Where operations share a stream, each is named in its messages.
        operationId: token ? (extensions?.['operationId'] as string) : null,
      };
    },
    // It has been validated, with the limits.
    validate: () => [],
    execute,
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
    const { target, operationId } = args;
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
    const { viewer } = request.context;
    const given = tokenOf(request);
    if (request.method === 'PUT') {
      if (!viewer) return [null, { status: 401, statusText: 'Unauthorized' }];
      const mine = [...prepared.values()].filter(({ sessionId }) => sessionId === viewer.sessionId);
      if (mine.length >= MOST_PREPARED) return [null, { status: 429, statusText: 'Too Many Requests' }];
      const token = randomUUID();
      prepared.set(token, {
        sessionId: viewer.sessionId,
        response: null,
        expiry: setTimeout(() => void discard(token), PATIENCE).unref(),
      });
      return token;
    }
    if (!given) return randomUUID();
    if (!viewer || prepared.get(given)?.sessionId !== viewer.sessionId)
      return [null, { status: 404, statusText: 'Not Found' }];
    return given;
  }

  /** Has graphql-sse forget a stream that was never opened, in the way that it knows: opened, and closed. */
  async function discard(token: string): Promise<void> {
    const owner = prepared.get(token);
    if (!owner || owner.response) return;
    const headers = new Map([
      ['accept', 'text/event-stream'],
      [TOKEN_HEADER, token],
    ]);
    const [body] = await handler({
      method: 'GET',
      url: '/',
      headers: { get: (name) => headers.get(name) },
      body: null,
      raw: null as never,
      context: { viewer: { sessionId: owner.sessionId } as Viewer } as Call,
    });
    prepared.delete(token);
    if (body && typeof body !== 'string') await body.return(undefined);
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
    const token = tokenOf(call);
    const stream = token ? prepared.get(token) : undefined;
    const opens = request.method !== 'POST' && header(request, 'accept') === 'text/event-stream';
    if (token && stream && opens && !stream.response && stream.sessionId === viewer?.sessionId && !response.destroyed) {
      stream.response = response;
      clearTimeout(stream.expiry);
      cleanUp.defer(() => prepared.delete(token));
    }

    const [body, { status, statusText, headers }] = await handler(call);
    if (response.destroyed) {
      if (body && typeof body !== 'string') await body.return(undefined);
      return;
    }
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

  return {
    handle,
    async [Symbol.asyncDispose]() {
      for (const { expiry } of prepared.values()) clearTimeout(expiry);
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

const isOpen = (response: ServerResponse): boolean => !response.destroyed && !response.writableEnded;

/** Writes, and waits until the network has taken it, or the reader is gone. */
function written(response: ServerResponse, event: string): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.write(event, () => {
      response.off('close', resolve);
      resolve();
    });
  });
}

/**
 * Waits until the response is open and everything written so far has left. A reader that takes nothing for too long is
 * cut; null where there is none to wait for.
 */
async function flushed(target: () => ServerResponse | null): Promise<ServerResponse | null> {
  await new Promise(setImmediate);
  for (let waited = 0; ; waited += POLL) {
    const response = target();
    if (response?.destroyed || (response?.headersSent && response.writableLength === 0)) return response;
    if (waited >= PATIENCE) return response?.destroy() ?? null;
    await sleep(POLL);
  }
}
