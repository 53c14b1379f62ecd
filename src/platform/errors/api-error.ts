import { ErrorCode, type ErrorReason } from './error-code.js';

/** Error messages by input field. */
export type FieldErrors = Record<string, string>;

/** The other members of an error's `extensions`. */
export interface ErrorDetails {
  /** Of BAD_USER_INPUT and others that concern a field. */
  fields?: FieldErrors;
  /** Of BAD_USER_INPUT that concerns the form of the request. */
  reason?: ErrorReason;
  /** In how many seconds the same request may succeed. */
  retryAfter?: number;
  /** Of ANSWER_IN_PROGRESS: the answer that is being generated. */
  answerId?: string;
}

/**
 * Base class of errors that are sent to the client. Message and extensions are sent unchanged, so they must not contain
 * internals. All other errors are masked. graphql-js copies `extensions` to the response.
 */
export abstract class ApiError extends Error {
  readonly extensions: { code: ErrorCode } & ErrorDetails;

  constructor(code: ErrorCode, message: string, more: ErrorDetails = {}) {
    super(message);
    this.name = new.target.name;
    this.extensions = { code, ...more };
  }
}

export class UnauthenticatedError extends ApiError {
  constructor(message = 'Authentication required: send a valid access token as `Authorization: Bearer …`.') {
    super(ErrorCode.UNAUTHENTICATED, message);
  }
}

export class ForbiddenError extends ApiError {
  constructor(message: string) {
    super(ErrorCode.FORBIDDEN, message);
  }
}

export class BadUserInputError extends ApiError {
  constructor(fields: FieldErrors, more: Pick<ErrorDetails, 'reason'> = {}) {
    super(
      ErrorCode.BAD_USER_INPUT,
      Object.entries(fields)
        .map(([field, message]) => `${field}: ${message}`)
        .join(' '),
      { fields, ...more },
    );
  }
}

/** The id is unknown or belongs to another user; the error is the same in both cases. */
export class NotFoundError extends ApiError {
  /**
   * @param field The input field that contains the id.
   * @param noun What the id refers to, such as `conversation`.
   */
  constructor(field: string, noun: string) {
    const message = `${noun[0]!.toUpperCase()}${noun.slice(1)} not found.`;
    super(ErrorCode.NOT_FOUND, message, { fields: { [field]: message } });
  }
}

export class RateLimitedError extends ApiError {
  /**
   * @param retryAfter Seconds until the next request is allowed.
   * @param reason Which limit was reached, as a sentence.
   */
  constructor(retryAfter: number, reason = 'Too many requests.') {
    super(ErrorCode.RATE_LIMITED, `${reason} Try again in ${retryAfter} seconds.`, {
      retryAfter,
    });
  }
}

export class QueryTooComplexError extends ApiError {
  constructor(reason: string) {
    super(ErrorCode.QUERY_TOO_COMPLEX, `${reason} Request less data at once.`);
  }
}

export class UnavailableError extends ApiError {
  constructor(message = 'The server is busy or shutting down; try again in a few seconds.') {
    super(ErrorCode.UNAVAILABLE, message);
  }
}
