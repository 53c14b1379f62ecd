import { createSourceEventStream, execute, GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { generatorOf } from './cancellable.js';
import type { RequestContext } from './context.js';

/** A directive such as @skip on the root field leaves graphql-js with nothing to subscribe to, which it does not expect. */
function failed(error: unknown): ExecutionResult {
  return { errors: [new GraphQLError('The subscription failed.', { originalError: error as Error })] };
}

/**
 * graphql-js's `subscribe`, but each event is executed with a context of its own: one kept for the subscription's
 * life would go on serving the rows that it read first.
 */
export async function subscribePerEvent(
  args: ExecutionArgs,
): Promise<AsyncGenerator<ExecutionResult, void, undefined> | ExecutionResult> {
  const context = args.contextValue as RequestContext;
  const events = await createSourceEventStream(args).catch(failed);
  if (!(Symbol.asyncIterator in events)) return events;
  const source = events[Symbol.asyncIterator]();
  return generatorOf<ExecutionResult>(
    async () => {
      const event = await source.next();
      if (event.done) return { done: true, value: undefined };
      return { done: false, value: await execute({ ...args, rootValue: event.value, contextValue: context.fresh() }) };
    },
    async () => source.return?.(),
  );
}
