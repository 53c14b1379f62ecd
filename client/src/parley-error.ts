const SERVER_CODES = [
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'BAD_USER_INPUT',
  'NOT_FOUND',
  'EMAIL_TAKEN',
  'ANSWER_IN_PROGRESS',
  'LINK_INVALID',
  'EMAIL_NOT_VERIFIED',
  'TOO_MANY_ANSWERS',
  'NOT_LAST_ANSWER',
  'RATE_LIMITED',
  'QUOTA_EXCEEDED',
  'QUERY_TOO_COMPLEX',
  'UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
] as const;

/**
 * What went wrong. NETWORK_ERROR: the server could not be reached, or the connection was lost. ABORTED: an AbortSignal
 * ended the request. All others are codes of the server.
 */
export type ErrorCode = (typeof SERVER_CODES)[number] | 'NETWORK_ERROR' | 'ABORTED';

const KNOWN_CODES: ReadonlySet<string> = new Set([...SERVER_CODES, 'NETWORK_ERROR', 'ABORTED'] satisfies ErrorCode[]);

/** Codes of requests that may succeed if they are sent again without a change. */
const RETRYABLE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NETWORK_ERROR',
  'UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'RATE_LIMITED',
  'TOO_MANY_ANSWERS',
]);

export interface ErrorDetails {
  fields?: Readonly<Record<string, string>>;
  retryAfter?: number | null;
  answerId?: string | null;
  reason?: string | null;
  requestId?: string | null;
  cause?: unknown;
}

/** An error of a request to Parley, whichever library sent it. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  readonly code: ErrorCode;
  /** What is wrong with each field of the input. */
  readonly fields: Readonly<Record<string, string>>;
  /** In how many seconds the same request may succeed. */
  readonly retryAfter: number | null;
  /** Of ANSWER_IN_PROGRESS: the answer that is being generated. */
  readonly answerId: string | null;
  /** Of BAD_USER_INPUT that concerns no field, such as CSRF or BATCHING. */
  readonly reason: string | null;
  /** Of INTERNAL_SERVER_ERROR: finds the error in the log of the server. */
  readonly requestId: string | null;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.fields = details.fields ?? {};
    this.retryAfter = details.retryAfter ?? null;
    this.answerId = details.answerId ?? null;
    this.reason = details.reason ?? null;
    this.requestId = details.requestId ?? null;
  }

  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return RETRYABLE_CODES.has(this.code);
  }

  /**
   * Converts whatever Apollo Client, urql, graphql-ws, graphql-sse, graphql-request, `fetch` or followAnswer() throw.
   * Returns a ParleyError unchanged.
   */
  static from(error: unknown): ParleyError {
    return convert(error, 0) ?? new ParleyError('NETWORK_ERROR', 'The server could not be reached.', { cause: error });
  }
}

/** Libraries wrap errors in errors. */
const MAX_DEPTH = 4;

function convert(error: unknown, depth: number): ParleyError | null {
  if (error instanceof ParleyError) return error;
  if (!isRecord(error) || depth > MAX_DEPTH) return null;
  if (error['name'] === 'AbortError') return new ParleyError('ABORTED', 'The request was aborted.', { cause: error });
  const graphqlError = findGraphQLError(error);
  if (graphqlError) return fromGraphQLError(graphqlError, error);
  // Apollo's ServerError holds the body as text.
  if (typeof error['bodyText'] === 'string') {
    const body = parseJson(error['bodyText']);
    const inBody = isRecord(body) && findGraphQLError(body);
    if (inBody) return fromGraphQLError(inBody, error);
  }
  for (const key of ['networkError', 'result', 'cause']) {
    const inner = convert(error[key], depth + 1);
    if (inner) return inner;
  }
  return fromStatus(getStatus(error), error) ?? fromCloseCode(error);
}

/** Finds the first GraphQL error in what a library throws. */
function findGraphQLError(error: Record<string, unknown>): Record<string, unknown> | null {
  const { response } = error;
  const lists = [error, error['graphQLErrors'], error['errors'], isRecord(response) ? response['errors'] : null];
  for (const list of lists) {
    const first: unknown = Array.isArray(list) ? list[0] : null;
    if (isRecord(first) && typeof first['message'] === 'string') return first;
  }
  return isRecord(error['extensions']) && typeof error['extensions']['code'] === 'string' ? error : null;
}

function fromGraphQLError(error: Record<string, unknown>, cause: unknown): ParleyError {
  const extensions = isRecord(error['extensions']) ? error['extensions'] : {};
  const { code, fields, retryAfter, answerId, reason, requestId } = extensions;
  return new ParleyError(
    typeof code === 'string' && KNOWN_CODES.has(code) ? (code as ErrorCode) : 'INTERNAL_SERVER_ERROR',
    String(error['message']),
    {
      fields: isRecord(fields) ? (fields as Record<string, string>) : {},
      retryAfter: typeof retryAfter === 'number' ? retryAfter : null,
      answerId: toText(answerId),
      reason: toText(reason),
      requestId: toText(requestId),
      cause,
    },
  );
}

function getStatus(error: Record<string, unknown>): number | null {
  const { statusCode, status, response } = error;
  const found = statusCode ?? status ?? (isRecord(response) ? response['status'] : null);
  return typeof found === 'number' ? found : null;
}

/** A proxy may respond instead of the server, without GraphQL errors. */
function fromStatus(status: number | null, cause: unknown): ParleyError | null {
  if (status === null || status < 400) return null;
  const message = `The server responded with HTTP status ${status}.`;
  if (status === 401) return new ParleyError('UNAUTHENTICATED', message, { cause });
  if (status === 403) return new ParleyError('FORBIDDEN', message, { cause });
  if (status === 429) return new ParleyError('RATE_LIMITED', message, { cause });
  return new ParleyError(status >= 500 ? 'UNAVAILABLE' : 'BAD_USER_INPUT', message, { cause });
}

/** Close codes of graphql-transport-ws. */
function fromCloseCode(error: Record<string, unknown>): ParleyError | null {
  const { code } = error;
  if (typeof code !== 'number') return null;
  const message = `The connection was closed with code ${code}.`;
  if (code === 4401 || code === 4403) return new ParleyError('UNAUTHENTICATED', message, { cause: error });
  if (code === 4429) return new ParleyError('RATE_LIMITED', message, { cause: error });
  return new ParleyError('NETWORK_ERROR', message, { cause: error });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const toText = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
