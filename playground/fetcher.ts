import type { Fetcher, Observable } from '@graphiql/toolkit';
import { getOperationAST, GraphQLError, OperationTypeNode, parse, type ExecutionResult } from 'graphql';
import { createClient, type Client, type Sink, type SubscribePayload } from 'graphql-ws';
import { getState, LAST_ANSWER, LAST_CONVERSATION, noteEvent, noteResponse, noteSubscription } from './state';

const PATH = '/graphql';

/** Sends subscriptions over the WebSocket and everything else over HTTP, with the same authorization. */
export const fetcher: Fetcher = ({ query, variables, operationName }, { headers: given } = {}) => {
  const headers = new Headers(given);
  const { account } = getState();
  if (account && !headers.has('authorization')) headers.set('authorization', `Bearer ${account.accessToken}`);
  try {
    const operation = operationIn(query, operationName);
    const request = { query, variables: withIds(variables), operationName: operation?.name?.value };
    if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return send(request, headers);
    return subscribe(request, headers.get('authorization'));
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  }
};

async function send(request: SubscribePayload, headers: Headers): Promise<ExecutionResult> {
  headers.set('accept', 'application/graphql-response+json');
  headers.set('content-type', 'application/json');
  const response = await fetch(PATH, { method: 'POST', headers, body: JSON.stringify(request) });
  const result: ExecutionResult = await response.json();
  noteResponse(result.data);
  return result;
}

function subscribe(request: SubscribePayload, authorization: string | null): Observable<ExecutionResult> {
  const observable = {
    subscribe(observer: Sink<ExecutionResult>) {
      noteSubscription();
      const unsubscribe = clientFor(authorization).subscribe<ExecutionResult['data']>(request, {
        next(result) {
          noteEvent(result.data);
          observer.next(result as ExecutionResult);
        },
        error: (error) => observer.error(error instanceof CloseEvent ? toMessage(error) : error),
        complete: () => observer.complete(),
      });
      return { unsubscribe };
    },
  };
  return observable as Observable<ExecutionResult>;
}

let current: { authorization: string | null; client: Client } | undefined;

/** A socket tells who is there only once, when it opens: another account needs another socket. */
function clientFor(authorization: string | null): Client {
  if (current?.authorization === authorization) return current.client;
  void current?.client.dispose();
  const url = `${location.origin.replace(/^http/, 'ws')}${PATH}`;
  const connectionParams = authorization ? { authorization } : {};
  // Whoever tries the API out is better served with an error than with silent attempts to connect again.
  const client = createClient({ url, connectionParams, lazy: true, retryAttempts: 0 });
  current = { authorization, client };
  return client;
}

const toMessage = ({ code, reason }: CloseEvent) => ({
  message: `The connection was closed: ${code} ${reason}`.trim(),
  ...(code === 4403 && { hint: 'The access token has expired or is not valid. Run Login and try again.' }),
});

function withIds(variables: unknown): Record<string, unknown> {
  const { last } = getState();
  return JSON.parse(JSON.stringify(variables ?? {}), (_key, value: unknown) => {
    if (value !== LAST_ANSWER && value !== LAST_CONVERSATION) return value;
    if (!last[value]) throw new GraphQLError('Nothing has been asked yet. Run AskQuestion first.');
    return last[value];
  });
}

function operationIn(query: string, name?: string | null) {
  try {
    const document = parse(query);
    // Right after a change of tabs, GraphiQL still names the operation of the other one.
    return getOperationAST(document, name) ?? getOperationAST(document);
  } catch {
    return null; // The server tells what is wrong with it.
  }
}
