import { createSourceEventStream, execute, GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { createGenerator } from '../../platform/graphql/async-generators.js';
import type { RequestContext } from '../../platform/graphql/context.js';
import { isRelaySource, type Receiver, type RenderableEvent } from '../../platform/graphql/renderable-event.js';
import { DisposableList } from '../../platform/lifecycle/disposables.js';
import type { OperationLimits } from '../connections/operation-limits.js';
import type { OperationEntry } from '../operation-log.js';
import type { BackpressureWriter } from './backpressure-writer.js';
import { findTemplates } from './document-templates.js';
import { SendBudget } from './send-budget.js';

/** Sends rendered results of a subscription as JSON; its other results are returned by the generator. */
export interface ResultSender {
  /** Read when the first result is requested, and later. */
  readonly writer: BackpressureWriter;
  send: (result: string) => void;
}

export interface SubscriptionArgs extends ExecutionArgs {
  sender?: ResultSender;
  limits: OperationLimits;
  entry: OperationEntry;
  /** Counts an answer that the connection follows. Called when the first event is requested. */
  followAnswer?: () => Disposable | undefined;
}

/**
 * Does what `subscribe` of graphql-js does, but executes each event with a new context; one context for the whole
 * subscription would keep returning the rows that it read first. With a sender, renderable events are rendered and sent
 * at once, in order with the other events; meanwhile the generator's `next` is pending. A subscription that has sent too
 * many bytes pauses.
 */
export async function subscribePerEvent(
  args: SubscriptionArgs,
): Promise<AsyncGenerator<ExecutionResult, void, undefined> | ExecutionResult> {
  const context = args.contextValue as RequestContext;
  const events = await createSourceEventStream(args).catch(toFailedResult);
  if (!(Symbol.asyncIterator in events)) return events;
  const source = events[Symbol.asyncIterator]();
  const resources = new DisposableList();
  const budget = new SendBudget(context.maxBytes);
  resources.use(budget);
  const executeEvent = async (event: unknown) => {
    const contextValue = context.recreate();
    const result = await execute({ ...args, rootValue: event, contextValue });
    budget.spend(contextValue.spentBytes);
    args.entry.addErrors(result.errors);
    return result;
  };
  let relay: (() => Promise<void>) | null | undefined;
  try {
    const viewer = await context.currentViewer;
    if (viewer) resources.use(args.limits.openSubscription(viewer.userId));
    context.clear();
    relay = args.sender && (await createRelay(args, args.sender, budget, source, executeEvent));
  } catch (error) {
    resources[Symbol.dispose]();
    await source.return?.();
    return toFailedResult(error);
  }
  let isFollowing = !isRelaySource(source);
  const followAnswer = () => {
    if (isFollowing) return;
    isFollowing = true;
    const following = args.followAnswer?.();
    if (following) resources.use(following);
  };
  return createGenerator<ExecutionResult>(
    async () => {
      let hasMore = false;
      try {
        followAnswer();
        await relay?.();
        if (!budget.isReady) await new Promise<void>((resolve) => budget.whenReady(resolve));
        const event = await source.next();
        if (event.done) return { done: true, value: undefined };
        const value = await executeEvent(event.value);
        hasMore = true;
        return { done: false, value };
      } finally {
        if (!hasMore) resources[Symbol.dispose]();
      }
    },
    async () => {
      resources[Symbol.dispose]();
      await source.return?.();
    },
  );
}

/** graphql-js throws when it cannot execute the operation. */
const toFailedResult = (error: unknown): ExecutionResult => ({
  errors: [new GraphQLError('The subscription failed.', { originalError: error as Error })],
});

/** Returns null when the source has no renderable events, or their results cannot be rendered. */
async function createRelay(
  operation: ExecutionArgs,
  sender: ResultSender,
  budget: SendBudget,
  source: object,
  executeEvent: (event: unknown) => Promise<ExecutionResult>,
): Promise<(() => Promise<void>) | null> {
  if (!isRelaySource(source)) return null;
  const templates = await findTemplates(operation, source.specimens, executeEvent);
  if (!templates) return null;
  const receiver: Receiver<RenderableEvent> = {
    get isReady() {
      return sender.writer.isReady && budget.isReady;
    },
    take(event) {
      const result = templates.get(event.constructor)!.render(event);
      budget.spend(result.length);
      sender.send(result);
    },
    whenReady: (listener) => (sender.writer.isReady ? budget : sender.writer).whenReady(listener),
  };
  return () => source.relay(receiver);
}
