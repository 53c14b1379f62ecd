import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import type { Response as SseResponse } from 'graphql-sse';
import { createGenerator } from '../../platform/graphql/async-generators.js';
import type { RequestContext } from '../../platform/graphql/context.js';
import { DisposableList } from '../../platform/lifecycle/disposables.js';
import { STALL_TIMEOUT_MS } from '../subscriptions/backpressure-writer.js';
import { executeOperation, subscribeToOperation, type OperationArgs } from '../subscriptions/run-operation.js';
import type { ResultSender } from '../subscriptions/subscribe.js';
import type { StreamTarget } from './stream-request.js';

const FLUSH_POLL_INTERVAL_MS = 20;

/**
 * Makes proxies pass on each event when it arrives. nginx buffers responses unless X-Accel-Buffering is set; no-transform
 * keeps proxies from compressing the stream, for which they would collect events.
 */
const UNBUFFERED = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' };

/** Sends the response as fast as the client reads it, and waits until the connection has closed. */
export async function respond(response: ServerResponse, [body, init]: SseResponse): Promise<void> {
  if (response.destroyed) return await cancel(body);
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  if (!body || typeof body === 'string') {
    response.writeHead(init.status, init.statusText, init.headers).end(body ?? undefined);
    return await closed;
  }
  response.writeHead(init.status, init.statusText, { ...init.headers, ...UNBUFFERED });
  void closed.then(() => body.return(undefined));
  for await (const event of body) {
    if (!isOpen(response)) break;
    await writeAndWait(response, event);
  }
  response.end();
  await closed;
}

/** Ends the operations of a response that is not sent. */
export async function cancel(body: SseResponse[0]): Promise<void> {
  if (body && typeof body !== 'string') await body.return(undefined);
}

export interface StreamedArgs extends Omit<OperationArgs, 'operation'> {
  /** Returns what the results are written to; null until the stream is open. */
  target: () => StreamTarget | null;
  /** Null in the distinct connections mode, in which results have no operation id. */
  operationId: string | null;
  /** Undefined when the stream has been removed meanwhile. */
  operation: Disposable | undefined;
}

const NOT_COUNTED: Disposable = { [Symbol.dispose]: () => {} };

/** What a small result costs while it waits. */
const RESULT_OVERHEAD_BYTES = 1_000;

/**
 * Executes a query or a mutation when what was written before has been sent. graphql-sse buffers the result, so it counts as
 * unsent until it has been written.
 */
export function executeOnStream(args: StreamedArgs): AsyncGenerator<ExecutionResult, void, undefined> {
  const operation = args.operation ?? NOT_COUNTED;
  const { contextValue } = args;
  return createSingleResult(args.target, operation, async () => {
    const value = await executeOperation({ ...args, operation });
    return { value, bytes: (contextValue as RequestContext).spentBytes };
  });
}

/** Returns the errors of an operation that is refused, like a result, because graphql-sse buffers them as well. */
export const refuseOnStream = (
  target: () => StreamTarget | null,
  operation: Disposable,
  value: ExecutionResult,
): AsyncGenerator<ExecutionResult, void, undefined> =>
  createSingleResult(target, operation, async () => ({ value, bytes: JSON.stringify(value).length }));

/** @param operation is in progress until the result has been written */
function createSingleResult(
  target: () => StreamTarget | null,
  operation: Disposable,
  create: () => Promise<{ value: ExecutionResult; bytes: number }>,
): AsyncGenerator<ExecutionResult, void, undefined> {
  const resources = new DisposableList();
  resources.use(operation);
  let [isCreated, isEnded] = [false, false];
  return createGenerator<ExecutionResult>(
    async () => {
      const open = await waitUntilFlushed(target);
      if (!isCreated && !isEnded && open) {
        isCreated = true;
        const { value, bytes } = await create();
        // It may have been ended meanwhile, and then nothing would release what is held.
        if (isEnded) return { done: true, value: undefined };
        resources.use(open.writer.hold(bytes + RESULT_OVERHEAD_BYTES));
        if (open.writer.admits()) return { done: false, value };
      }
      resources[Symbol.dispose]();
      return { done: true, value: undefined };
    },
    async () => {
      isEnded = true;
      resources[Symbol.dispose]();
    },
  );
}

/**
 * Subscribes, and writes results to an event stream. graphql-sse buffers results without a limit, so each one is
 * created only when those before it have been flushed.
 */
export async function subscribeToStream(
  args: StreamedArgs,
): Promise<AsyncGenerator<ExecutionResult, void, undefined> | ExecutionResult> {
  const { target, operationId } = args;
  const [before, after] = operationId === null ? ['', ''] : [`{"id":${JSON.stringify(operationId)},"payload":`, '}'];
  let open: StreamTarget | null = null;
  const sender: ResultSender = {
    get writer() {
      return open!.writer;
    },
    send(result) {
      const { response, writer } = open!;
      if (isOpen(response) && writer.admits()) response.write(`event: next\ndata: ${before}${result}${after}\n\n`);
    },
  };
  const followAnswer = () => open?.connection?.followAnswer();
  const events = await subscribeToOperation({
    ...args,
    operation: args.operation ?? NOT_COUNTED,
    sender,
    followAnswer,
  });
  if (!(Symbol.asyncIterator in events)) return events;
  return createGenerator<ExecutionResult>(
    async () => {
      open = await waitUntilFlushed(target);
      return open ? await events.next() : await events.return();
    },
    () => events.return(),
  );
}

const isOpen = (response: ServerResponse): boolean => !response.destroyed && !response.writableEnded;

/** Writes, and waits until the network has accepted the event or the connection has closed. */
function writeAndWait(response: ServerResponse, event: string): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.write(event, () => {
      response.off('close', resolve);
      resolve();
    });
  });
}

/**
 * Waits until the response is open and everything written so far has been flushed. Returns null when the response is
 * not opened in time, or is closed because the client has stopped reading.
 */
async function waitUntilFlushed(target: () => StreamTarget | null): Promise<StreamTarget | null> {
  await new Promise(setImmediate);
  let progress: string | null = null;
  for (let waited = 0; ; waited += FLUSH_POLL_INTERVAL_MS) {
    const open = target();
    if (open?.response.destroyed || (open?.response.headersSent && open.response.writableLength === 0)) return open;
    const latest = open && open.writer.progress;
    if (latest !== progress) waited = 0;
    progress = latest;
    if (waited >= STALL_TIMEOUT_MS) {
      open?.response.destroy();
      return null;
    }
    await sleep(FLUSH_POLL_INTERVAL_MS);
  }
}
