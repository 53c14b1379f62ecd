import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { isTransient } from '../platform/db/transient-error.js';
import { ApiError, BadUserInputError, QueryTooComplexError, UnavailableError } from '../platform/errors/api-error.js';
import { ErrorCode, ErrorReason } from '../platform/errors/error-code.js';
import type { Logger } from '../platform/telemetry/log.js';

/** Codes of Apollo Server that have another name in this API. */
const CODES_BY_APOLLO_CODE: Record<string, ErrorCode> = {
  BAD_REQUEST: ErrorCode.BAD_USER_INPUT,
  OPERATION_RESOLUTION_FAILURE: ErrorCode.GRAPHQL_VALIDATION_FAILED,
};

const INTERNAL_MESSAGE = 'Internal server error. Quote the request id when you report it.';

/**
 * Converts an error to what clients see: a code of this API and a message that says what to do, without internal
 * details. Unexpected errors are logged, and reported as INTERNAL_SERVER_ERROR with the request id.
 */
export function toPublicError(error: GraphQLError, requestId: string, log: Logger): GraphQLFormattedError {
  const { message, extensions } = describe(error) ?? mask(error, requestId, log);
  return {
    message,
    ...(error.locations ? { locations: error.locations } : {}),
    ...(error.path ? { path: error.path } : {}),
    extensions: { ...extensions },
  };
}

/** Returns the code that clients see, for the log and the metrics. */
export const getErrorCode = (error: GraphQLError): ErrorCode =>
  describe(error)?.extensions.code ?? ErrorCode.INTERNAL_SERVER_ERROR;

/** Returns null for an unexpected error. */
function describe(error: GraphQLError): Pick<ApiError, 'message' | 'extensions'> | null {
  for (const cause of listCauses(error)) {
    if (cause instanceof ApiError) return cause;
    if (isTransient(cause)) return new UnavailableError();
  }
  const argument = findNullArgument(error);
  if (argument) return new BadUserInputError({ [argument]: 'This field is required.' });
  const code = getCode(error);
  if (code === ErrorCode.GRAPHQL_PARSE_FAILED && error.message.includes('tokens. Parsing aborted')) {
    return new QueryTooComplexError('The query is too long.');
  }
  if (!code || code === ErrorCode.INTERNAL_SERVER_ERROR) return null;
  const { message } = error;
  if (code !== ErrorCode.BAD_USER_INPUT) return { message, extensions: { code } };
  return { message, extensions: { code, reason: getReason(message) } };
}

/** Apollo Server tells its errors apart by their messages only. */
const REASONS_BY_MESSAGE: readonly [RegExp, ErrorReason][] = [
  [/^Operation batching/, ErrorReason.BATCHING],
  [/^This operation has been blocked/, ErrorReason.CSRF],
  [/^GET requests only|only GET\/POST requests/, ErrorReason.METHOD],
  [/^An 'accept' header/, ErrorReason.NOT_ACCEPTABLE],
];

const getReason = (message: string): ErrorReason =>
  REASONS_BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? ErrorReason.MALFORMED;

function getCode({ extensions: { code } }: GraphQLError): ErrorCode | null {
  return typeof code === 'string' ? (CODES_BY_APOLLO_CODE[code] ?? ErrorCode[code as ErrorCode] ?? null) : null;
}

/** Returns the error and the errors that it wraps, outermost first. */
function listCauses(error: GraphQLError): unknown[] {
  const causes: unknown[] = [];
  for (let cause: unknown = error; cause; cause = cause instanceof GraphQLError ? cause.originalError : undefined)
    causes.push(cause);
  return causes;
}

function mask(
  error: GraphQLError,
  requestId: string,
  log: Logger,
): { message: string; extensions: Record<string, unknown> } {
  const cause = listCauses(error).at(-1);
  log[isDisconnect(cause) ? 'debug' : 'error'](
    { err: cause, requestId, path: error.path },
    'Unexpected error while handling a request.',
  );
  return { message: INTERNAL_MESSAGE, extensions: { code: ErrorCode.INTERNAL_SERVER_ERROR, requestId } };
}

/** The client disconnected while a response was written, so there is nothing to fix and no reader. */
const isDisconnect = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');

/**
 * Returns the name of a required argument that is null. A nullable variable is valid for an argument that has a default
 * value, so graphql-js detects a null in it only during execution.
 */
function findNullArgument(error: GraphQLError): string | null {
  const innermost = listCauses(error).at(-1);
  if (!(innermost instanceof GraphQLError)) return null;
  return /^Argument "(\w+)" (?:of|has)/.exec(innermost.message)?.[1] ?? null;
}
