import type { Fetcher, FetcherParams, Observable } from '@graphiql/toolkit';
import { getOperationAST, GraphQLError, OperationTypeNode, parse, type ExecutionResult } from 'graphql';
import { createClient, type Client } from 'graphql-ws';
import { getState, LAST_ANSWER, LAST_CONVERSATION, noteEvent, noteResponse, noteSubscription } from './state';

const PATH = '/graphql';

/** Sends subscriptions over the WebSocket and everything else over HTTP, with the same authorization. */
export const fetcher: Fetcher = (params, { headers: given } = {}) => {
  const headers = new Headers(given);
  const { account } = getState();
  if (account && !headers.has('authorization')) headers.set('authorization', `Bearer ${account.accessToken}`);
  try {
    const request = { ...params, variables: withIds(params.variables) };
    return isSubscription(request) ? subscribe(request, headers.get('authorization')) : send(request, headers);
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  }
};

async function send(request: FetcherParams, headers: Headers): Promise<ExecutionResult> {
  headers.set('accept', 'application/graphql-response+json');
  headers.set('content-type', 'application/json');
  const response = await fetch(PATH, { method: 'POST', headers, body: JSON.stringify(request) });
  const result: ExecutionResult = await response.json();
  noteResponse(result.data);
  return result;
}

function subscribe(request: FetcherParams, authorization: string | null): Observable<ExecutionResult> {
  return {
    subscribe(observer: Parameters<Observable<ExecutionResult>['subscribe']>[0]) {
      if (typeof observer !== 'object') throw new TypeError('GraphiQL subscribes with an observer.');
      noteSubscription();
      const unsubscribe = clientFor(authorization).subscribe(request as FetcherParams & { operationName?: string }, {
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
}

/** A socket tells who is there once, when it opens; so who has signed in since needs another. */
function clientFor(authorization: string | null): Client {
  if (current?.authorization === authorization) return current.client;
  void current?.client.dispose();
  const url = `${location.origin.replace(/^http/, 'ws')}${PATH}`;
  const client = createClient({ url, lazy: true, connectionParams: authorization ? { authorization } : {} });
  current = { authorization, client };
  return client;
}
let current: { authorization: string | null; client: Client } | undefined;

const toMessage = ({ code, reason }: CloseEvent) => ({
  message: `The connection was closed: ${code} ${reason}`.trim(),
  ...(code === 4403 && { hint: 'The access token has expired or is not valid. Run Login and try again.' }),
});

function withIds(variables: unknown): unknown {
  const { last } = getState();
  return JSON.parse(JSON.stringify(variables ?? {}), (_key, value: unknown) => {
    if (value !== LAST_ANSWER && value !== LAST_CONVERSATION) return value;
    if (!last[value]) throw new GraphQLError('Nothing has been asked yet. Run AskQuestion first.');
    return last[value];
  });
}

/** A document with a mistake in it is the server's to refuse. */
function isSubscription({ query, operationName }: FetcherParams): boolean {
  try {
    return getOperationAST(parse(query), operationName)?.operation === OperationTypeNode.SUBSCRIPTION;
  } catch {
    return false;
  }
}
