import { createSourceEventStream, execute, GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { generatorOf } from './cancellable.js';
import type { RequestContext } from './context.js';
import type { Outlet } from './outlet.js';
import { isRelaySource } from './plain-events.js';
import { ResultTemplate } from './result-template.js';

/** Where the results of one subscription can be sent as JSON, past whoever iterates over its other results. */
export interface ResultSender {
  /** Not asked for before the first result is. */
  readonly outlet: Outlet;
  send: (result: string) => void;
}

export interface SubscriptionArgs extends ExecutionArgs {
  sender?: ResultSender;
}

/** A directive such as @skip on the root field leaves graphql-js with nothing to subscribe to, which it does not expect. */
function failed(error: unknown): ExecutionResult {
  return { errors: [new GraphQLError('The subscription failed.', { originalError: error as Error })] };
}

/**
 * graphql-js's `subscribe`, but each event is executed with a context of its own: one kept for the subscription's
 * life would go on serving the rows that it read first. Given a sender, plain events are rendered and sent to it at
 * once, in their order among the others: while they come, the generator's `next` stays pending.
 */
export async function subscribePerEvent(
  args: SubscriptionArgs,
): Promise<AsyncGenerator<ExecutionResult, void, undefined> | ExecutionResult> {
  const context = args.contextValue as RequestContext;
  const events = await createSourceEventStream(args).catch(failed);
  if (!(Symbol.asyncIterator in events)) return events;
  context.forget();
  const source = events[Symbol.asyncIterator]();
  const resultOf = async (event: unknown) =>
    await execute({ ...args, rootValue: event, contextValue: context.fresh() });
  const relay = args.sender && (await relayTo(args.sender, source, resultOf));
  return generatorOf<ExecutionResult>(
    async () => {
      await relay?.();
      const event = await source.next();
      if (event.done) return { done: true, value: undefined };
      return { done: false, value: await resultOf(event.value) };
    },
    async () => source.return?.(),
  );
}

/** Null where the source has no plain events, or their results cannot be rendered. */
async function relayTo(
  sender: ResultSender,
  source: object,
  resultOf: (event: unknown) => Promise<ExecutionResult>,
): Promise<(() => Promise<void>) | null> {
  if (!isRelaySource(source)) return null;
  const template = await ResultTemplate.of(source.specimen, resultOf);
  if (!template) return null;
  const receiver = {
    get isReady() {
      return sender.outlet.isReady;
    },
    take: (event: Parameters<typeof template.render>[0]) => sender.send(template.render(event)),
    whenReady: (listener: () => void) => sender.outlet.whenReady(listener),
  };
  return () => source.relay(receiver);
}
