import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { ArgumentValidationError } from 'type-graphql';
import type { ValidationError } from 'class-validator';
import { isPassing } from '../db/passing.js';
import { ApiError, BadUserInputError, UnavailableError, type FieldMistakes } from '../errors/api-error.js';
import { ErrorCode } from '../errors/error-code.js';
import type { Logger } from '../telemetry/log.js';
import { QueryTooComplexError } from './limits.js';

/** Codes of Apollo Server's that the contract has other names for. */
const TRANSLATED: Record<string, ErrorCode> = {
  BAD_REQUEST: ErrorCode.BAD_USER_INPUT,
  PERSISTED_QUERY_NOT_FOUND: ErrorCode.BAD_USER_INPUT,
  PERSISTED_QUERY_NOT_SUPPORTED: ErrorCode.BAD_USER_INPUT,
  OPERATION_RESOLUTION_FAILURE: ErrorCode.GRAPHQL_VALIDATION_FAILED,
};

const MASKED = 'Something went wrong on our side. Tell us the request id if it happens again.';

/**
 * What a client is told of an error: a code of the contract's, a message that says what to do, and nothing of the
 * inside. What was not foreseen is logged, and told as INTERNAL_SERVER_ERROR with the request's id.
 */
export function toPublicError(error: GraphQLError, requestId: string, log: Logger): GraphQLFormattedError {
  const { message, extensions } = describe(error) ?? mask(error, requestId, log);
  return {
    message,
    ...(error.locations ? { locations: error.locations } : {}),
    ...(error.path ? { path: error.path } : {}),
    extensions,
  };
}

type Described = Pick<ApiError, 'message' | 'extensions'>;

function describe(error: GraphQLError): Described | null {
  for (const cause of causesOf(error)) {
    if (cause instanceof ApiError) return cause;
    if (cause instanceof ArgumentValidationError)
      return new BadUserInputError(fieldsOf(cause.extensions.validationErrors));
    if (isPassing(cause)) return new UnavailableError();
  }
  const argument = argumentAtFault(error);
  if (argument) return new BadUserInputError({ [argument]: 'Give a value.' });
  const code = codeOf(error);
  if (code === ErrorCode.GRAPHQL_PARSE_FAILED && error.message.includes('tokens. Parsing aborted')) {
    return new QueryTooComplexError('The query is too long.');
  }
  return code && code !== ErrorCode.INTERNAL_SERVER_ERROR ? { message: error.message, extensions: { code } } : null;
}

function codeOf({ extensions: { code } }: GraphQLError): ErrorCode | null {
  return typeof code === 'string' ? (TRANSLATED[code] ?? ErrorCode[code as ErrorCode] ?? null) : null;
}

/** The error itself and everything that it was made from, outermost first. */
function* causesOf(error: GraphQLError): Generator<unknown> {
  let cause: unknown = error;
  while (cause) {
    yield cause;
    cause = cause instanceof GraphQLError ? cause.originalError : undefined;
  }
}

/** The client has gone while it was written to: nobody's fault, and nobody reads the answer. */
const isGone = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');

function mask(
  error: GraphQLError,
  requestId: string,
  log: Logger,
): { message: string; extensions: Record<string, unknown> } {
  const cause = [...causesOf(error)].at(-1);
  log[isGone(cause) ? 'debug' : 'error'](
    { err: [...causesOf(error)].at(-1), requestId, path: error.path },
    'A request failed for a reason not foreseen.',
  );
  return { message: MASKED, extensions: { code: ErrorCode.INTERNAL_SERVER_ERROR, requestId } };
}

function fieldsOf(errors: readonly ValidationError[], prefix = ''): FieldMistakes {
  return Object.fromEntries(
    errors.flatMap(({ property, constraints, children }): [string, string][] => [
      // The constraint that is declared first, which is the last one here, is the one that says most.
      ...(constraints ? [[prefix + property, Object.values(constraints).at(-1)!] as [string, string]] : []),
      ...Object.entries(fieldsOf(children ?? [], `${prefix}${property}.`)),
    ]),
  );
}

/** A nullable variable is allowed where the argument has a default; null in it is found out when the field is executed. */
function argumentAtFault(error: GraphQLError): string | null {
  const innermost = [...causesOf(error)].at(-1);
  if (!(innermost instanceof GraphQLError)) return null;
  return /^Argument "(\w+)" (?:of|has)/.exec(innermost.message)?.[1] ?? null;
}
