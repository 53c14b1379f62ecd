import { ApiError } from '../platform/errors/api-error.js';
import { ErrorCode } from '../platform/errors/error-code.js';

export class EmailTakenError extends ApiError {
  constructor() {
    super(ErrorCode.EMAIL_TAKEN, 'An account with this email exists already; sign in instead.', {
      fields: { email: 'An account with this email exists already.' },
    });
  }
}

/** The session is good, but the password that was asked for once more is not. */
export class WrongPasswordError extends ApiError {
  constructor(field: string) {
    super(ErrorCode.UNAUTHENTICATED, 'The password is wrong.', { fields: { [field]: 'The password is wrong.' } });
  }
}
