import { ConnectionException, LockWaitTimeoutException } from '@mikro-orm/core';
import { GraphQLError, Kind, type GraphQLFormattedError } from 'graphql';
import { ArgumentValidationError } from 'type-graphql';
import type { ValidationError } from 'class-validator';
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
    if (cause instanceof ConnectionException || cause instanceof LockWaitTimeoutException)
      return new UnavailableError();
  }
  if (isVariableError(error)) return describeVariableError(error);
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

function mask(
  error: GraphQLError,
  requestId: string,
  log: Logger,
): { message: string; extensions: Record<string, unknown> } {
  log.error(
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

/** Whether graphql-js could not read a variable's value: thrown by no resolver, and pointing at the definition. */
const isVariableError = ({ nodes, path }: GraphQLError): boolean =>
  !path && nodes?.length === 1 && nodes[0]!.kind === Kind.VARIABLE_DEFINITION;

/** graphql-js names variable and path in a sentence that also holds the value, which may be a secret. */
function describeVariableError({ message, nodes }: GraphQLError): Described {
  const node = nodes![0]!;
  const variable = node.kind === Kind.VARIABLE_DEFINITION ? node.variable.name.value : 'variables';
  const reason = message.split('; ').at(-1)!;
  const path = / at "([^"]+)"/.exec(message)?.[1];
  const missing = /^Field "([^"]+)"/.exec(reason)?.[1];
  const whole = [path ?? variable, missing].filter(Boolean).join('.');
  const field = whole.startsWith(`${variable}.`) ? whole.slice(variable.length + 1) : whole;
  return new BadUserInputError({
    [field]: reason.includes('Variable "$') ? 'Give a value.' : reason,
  });
}
