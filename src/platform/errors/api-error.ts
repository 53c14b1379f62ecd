import { ErrorCode } from './error-code.js';

/** For each field of the input at fault, what is wrong with it. */
export type FieldMistakes = Record<string, string>;

/**
 * A failure that the caller is meant to see: its message and extensions reach the client as they are, so they hold
 * nothing of the inside. Everything else that is thrown is masked. graphql-js copies `extensions` to the response.
 */
export abstract class ApiError extends Error {
  readonly extensions: { code: ErrorCode; fields?: FieldMistakes; retryAfter?: number };

  constructor(code: ErrorCode, message: string, more: { fields?: FieldMistakes; retryAfter?: number } = {}) {
    super(message);
    this.name = new.target.name;
    this.extensions = { code, ...more };
  }
}

export class UnauthenticatedError extends ApiError {
  constructor(message = 'Sign in first: send a valid access token as `Authorization: Bearer …`.') {
    super(ErrorCode.UNAUTHENTICATED, message);
  }
}

export class ForbiddenError extends ApiError {
  constructor(message: string) {
    super(ErrorCode.FORBIDDEN, message);
  }
}

export class BadUserInputError extends ApiError {
  constructor(fields: FieldMistakes) {
    super(
      ErrorCode.BAD_USER_INPUT,
      Object.entries(fields)
        .map(([field, mistake]) => `${field}: ${mistake}`)
        .join(' '),
      { fields },
    );
  }
}

/** An id that is unknown, or another user's: the two are never told apart. */
export class NotFoundError extends ApiError {
  constructor(field: string, what: string) {
    super(ErrorCode.NOT_FOUND, `No such ${what} among yours.`, { fields: { [field]: `No such ${what} among yours.` } });
  }
}

export class RateLimitedError extends ApiError {
  /** @param retryAfter in seconds */
  constructor(retryAfter: number) {
    super(ErrorCode.RATE_LIMITED, `Too many requests; try again in ${retryAfter} s.`, { retryAfter });
  }
}

export class UnavailableError extends ApiError {
  constructor(message = 'The server is busy or shutting down; try again in a moment.') {
    super(ErrorCode.UNAVAILABLE, message);
  }
}
