import { execute, GraphQLError, type ExecutionResult } from 'graphql';
import { onEnd } from '../../platform/graphql/async-generators.js';
import type { RequestContext } from '../../platform/graphql/context.js';
import { subscribePerEvent, type SubscriptionArgs } from './subscribe.js';

/** Arguments of an operation: it is in progress until `operation` is disposed of, and then `entry` is logged. */
export interface OperationArgs extends SubscriptionArgs {
  operation: Disposable;
}

/** Executes a query or a mutation. Reports everything that fails as a result, because the connection has other operations. */
export async function executeOperation(args: OperationArgs): Promise<ExecutionResult> {
  using _operation = args.operation;
  await takeTurn(args);
  const result = await executeSafely(args);
  args.entry.addErrors(result.errors);
  args.entry.end();
  return result;
}

async function executeSafely(args: OperationArgs): Promise<ExecutionResult> {
  try {
    return await execute(args);
  } catch (error) {
    return { errors: [toGraphQLError(error)] };
  }
}

/** Executes a subscription. Reports everything that fails as a result. */
export async function subscribeToOperation(
  args: OperationArgs,
): Promise<AsyncGenerator<ExecutionResult, void, undefined> | ExecutionResult> {
  const close = () => {
    args.operation[Symbol.dispose]();
    args.entry.end();
  };
  await takeTurn(args);
  const events = await subscribePerEvent(args).catch((error: unknown) => ({ errors: [toGraphQLError(error)] }));
  if (Symbol.asyncIterator in events) return onEnd(events, close);
  args.entry.addErrors(events.errors);
  close();
  return events;
}

const takeTurn = ({ limits, contextValue }: OperationArgs): Promise<void> =>
  limits.takeTurn(contextValue as RequestContext);

export const toGraphQLError = (error: unknown): GraphQLError =>
  new GraphQLError('The operation failed.', { originalError: error as Error });
