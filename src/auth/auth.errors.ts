import { ApiError } from '../platform/errors/api-error.js';
import { ErrorCode } from '../platform/errors/error-code.js';

export class EmailTakenError extends ApiError {
  constructor() {
    super(ErrorCode.EMAIL_TAKEN, 'An account with this email exists already; sign in instead.', {
      fields: { email: 'An account with this email exists already.' },
    });
  }
}
