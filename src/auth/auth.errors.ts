import { ApiError, UnauthenticatedError } from '../platform/errors/api-error.js';
import { ErrorCode } from '../platform/errors/error-code.js';

export class EmailTakenError extends ApiError {
  constructor() {
    super(ErrorCode.EMAIL_TAKEN, 'An account with this email already exists; sign in instead.', {
      fields: { email: 'An account with this email already exists.' },
    });
  }
}

/** The session is valid, but the password given to confirm the operation is not. */
export class WrongPasswordError extends ApiError {
  constructor(field: string) {
    super(ErrorCode.UNAUTHENTICATED, 'Incorrect password.', { fields: { [field]: 'Incorrect password.' } });
  }
}

export class AccountDisabledError extends ApiError {
  constructor() {
    super(ErrorCode.FORBIDDEN, 'This account is disabled; contact the operator of this server.');
  }
}

/** The claim of a guest session is not valid; nothing has changed. */
export class InvalidClaimError extends ApiError {
  constructor() {
    super(ErrorCode.UNAUTHENTICATED, 'The guest session is invalid, expired or claimed already; leave out `claim`.', {
      fields: { claim: 'Must be the current refresh token of a guest session.' },
    });
  }
}

export class LinkInvalidError extends ApiError {
  constructor() {
    super(
      ErrorCode.LINK_INVALID,
      'The link was used, was replaced by a newer one, or is too old; request another one.',
    );
  }
}

export class EmailNotVerifiedError extends ApiError {
  constructor() {
    super(ErrorCode.EMAIL_NOT_VERIFIED, 'Verify your email before you ask; requestEmailVerification sends a link.');
  }
}

export class IdentityTokenRejectedError extends UnauthenticatedError {
  /** @param reason for the log */
  constructor(readonly reason: string) {
    super('The identity token is invalid or expired; sign in at the identity provider again.');
  }
}
