import { print } from 'graphql';
import { ParleyError } from '../parley-error.js';
import type { TypedDocumentNode } from '../typed-document-node.js';

/** `fetch`, as far as it is used. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body: string; signal: AbortSignal },
) => Promise<{ status: number; headers: { get(name: string): string | null }; text(): Promise<string> }>;

const TIMEOUT_MS = 30_000;

/**
 * Sends an operation by HTTP POST.
 * @throws ParleyError also if the result has partial data
 */
export async function post<TResult, TVariables>(
  fetch: Fetch,
  url: string,
  document: TypedDocumentNode<TResult, TVariables>,
  variables: TVariables | undefined,
  accessToken: string | null,
  signal?: AbortSignal,
): Promise<TResult> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let body: string;
  let status: number;
  let retryAfter: string | null;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}),
      },
      body: JSON.stringify({ query: print(document), variables }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    status = response.status;
    retryAfter = response.headers.get('retry-after');
    body = await response.text();
  } catch (error) {
    if (signal?.aborted) throw new ParleyError('ABORTED', 'The request was aborted.', { cause: error });
    throw new ParleyError('NETWORK_ERROR', 'The server could not be reached.', { cause: error });
  }
  const result = parse(body);
  if (result?.errors?.length) throw ParleyError.from(result);
  if (result?.data && status < 400) return result.data as TResult;
  const error = ParleyError.from({ status: status < 400 ? 502 : status });
  const seconds = Number(retryAfter ?? NaN);
  throw Number.isFinite(seconds) ? new ParleyError(error.code, error.message, { retryAfter: seconds }) : error;
}

function parse(body: string): { data?: unknown; errors?: unknown[] } | null {
  try {
    return JSON.parse(body) as { data?: unknown; errors?: unknown[] } | null;
  } catch {
    return null;
  }
}
