import type { Fetcher, Observable } from '@graphiql/toolkit';
import { getOperationAST, GraphQLError, OperationTypeNode, parse, type ExecutionResult } from 'graphql';
import { createClient, type Sink } from 'graphql-ws';
import { createEventLog } from './event-log';
import { isSessionMissing, PATH, post, type GraphQLRequest } from './http';
import { A_NEW_EMAIL, LAST_ANSWER, LAST_CONVERSATION, replacePlaceholders, YOUR_EMAIL } from './placeholders';
import { authorization, renew } from './session';
import { getState, noteEvent, noteResult, remember } from './state';

/** Sends subscriptions over a WebSocket and other operations over HTTP, with the same authorization. */
export const fetcher: Fetcher = ({ query, variables, operationName }, { headers } = {}) => {
  const operation = operationIn(query, operationName);
  const request = async (): Promise<GraphQLRequest> => ({
    query,
    variables: await replacePlaceholders(variables, find),
    operationName: operation?.name?.value,
  });
  const own = new Headers(headers);
  return operation?.operation === OperationTypeNode.SUBSCRIPTION ? subscribe(request, own) : send(request, own);
};

/** Headers of the tab override the authorization of the account. */
const headersOf = async (own: Headers): Promise<Record<string, string>> => ({
  ...(own.has('authorization') ? {} : await authorization()),
  ...Object.fromEntries(own),
});

async function send(prepare: () => Promise<GraphQLRequest>, own: Headers): Promise<ExecutionResult> {
  try {
    const request = await prepare();
    let result = await post(request, await headersOf(own));
    if (isSessionMissing(result) && !own.has('authorization') && (await renew())) {
      result = await post(request, await headersOf(own));
    }
    noteResult(result.data, request.variables);
    return result;
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  }
}

function subscribe(prepare: () => Promise<GraphQLRequest>, own: Headers): Observable<ExecutionResult> {
  const observable = {
    subscribe(observer: Sink<ExecutionResult>) {
      const show = createEventLog();
      const client = createSocket(own);
      let stopped = false;
      const start = async () => {
        const request = await prepare();
        if (stopped) return;
        client.subscribe<ExecutionResult['data'], ExecutionResult['extensions']>(request, {
          next(result) {
            if (stopped) return;
            noteEvent(result.data, request.variables?.['answerId']);
            observer.next(show(result as ExecutionResult));
          },
          error: fail,
          complete: () => stopped || observer.complete(),
        });
      };
      const fail = (error: unknown) =>
        stopped || observer.error(error instanceof CloseEvent ? toMessage(error) : error);
      start().catch(fail);
      return {
        unsubscribe() {
          // GraphiQL would apply a later event to the next subscription.
          stopped = true;
          void client.dispose();
        },
      };
    },
  };
  return observable as Observable<ExecutionResult>;
}

/** Each subscription has its own socket, because a socket is authenticated only when it opens. */
function createSocket(own: Headers) {
  let refused = false;
  return createClient({
    url: `${location.origin.replace(/^http/, 'ws')}${PATH}`,
    connectionParams: async () => {
      if (refused && !own.has('authorization')) await renew();
      refused = false;
      return headersOf(own);
    },
    // The server closes with 4403 when a token expires. Other close codes are shown instead of retried.
    retryAttempts: 1,
    shouldRetry: (error) => error instanceof CloseEvent && error.code === 4403,
    retryWait: async () => {},
    on: { closed: (event) => (refused = event instanceof CloseEvent && event.code === 4403) },
  });
}

const toMessage = ({ code, reason }: CloseEvent) => ({
  message: `The connection was closed: ${code} ${reason}`.trim(),
  ...(code === 4403 && { hint: 'The access token has expired or is not valid. Run Login and try again.' }),
});

const LATEST = 'query { conversations(first: 1) { nodes { id lastMessage { id } } } }';

async function find(placeholder: string): Promise<string> {
  if (placeholder === A_NEW_EMAIL) return `jane-${Math.random().toString(36).slice(2, 8)}@example.com`;
  const isLast = placeholder === LAST_ANSWER || placeholder === LAST_CONVERSATION;
  if (isLast && !getState().known[placeholder]) await findLastConversation();
  const value = getState().known[placeholder];
  if (value) return value;
  // The README registers this account.
  if (placeholder === YOUR_EMAIL) return 'jane@example.com';
  throw new GraphQLError(
    isLast && getState().account
      ? 'Nothing has been asked yet. Run AskQuestion first.'
      : 'Run Register or Login first.',
  );
}

/** Looks up the last conversation of an earlier visit. */
async function findLastConversation(): Promise<void> {
  const { data } = await post({ query: LATEST }, await authorization());
  const [latest] = (data?.['conversations'] as any)?.nodes ?? [];
  if (latest) remember({ [LAST_CONVERSATION]: latest.id, [LAST_ANSWER]: latest.lastMessage?.id });
}

function operationIn(query: string, name?: string | null) {
  try {
    const document = parse(query);
    // Right after a change of tabs, GraphiQL still passes the operation name of the previous tab.
    return getOperationAST(document, name) ?? getOperationAST(document);
  } catch {
    return null; // The server reports the syntax error.
  }
}
