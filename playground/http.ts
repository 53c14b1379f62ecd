import type { ExecutionResult } from 'graphql';

export const PATH = '/graphql';

export interface GraphQLRequest {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

/** Sends a query or mutation. */
export async function post(request: GraphQLRequest, headers: HeadersInit = {}): Promise<ExecutionResult> {
  const sent = new Headers(headers);
  sent.set('accept', 'application/graphql-response+json');
  sent.set('content-type', 'application/json');
  const response = await fetch(PATH, { method: 'POST', headers: sent, body: JSON.stringify(request) });
  return (await response.json()) as ExecutionResult;
}

/** Whether a valid session is missing. A wrong password has the same code, but names its field or belongs to `login`. */
export const isSessionMissing = ({ errors }: ExecutionResult): boolean =>
  !!errors?.some(
    ({ extensions, path }) =>
      extensions?.['code'] === 'UNAUTHENTICATED' && !extensions['fields'] && path?.[0] !== 'login',
  );
