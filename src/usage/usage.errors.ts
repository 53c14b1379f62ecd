import { ApiError } from '../platform/errors/api-error.js';
import { ErrorCode } from '../platform/errors/error-code.js';

/** How long to wait for running answers, which may need less than was reserved for them, in seconds. */
const RETRY_AFTER_RUNNING_SECONDS = 10;

export class QuotaExceededError extends ApiError {
  private constructor(message: string, retryAfter: number) {
    super(ErrorCode.QUOTA_EXCEEDED, message, { retryAfter });
  }

  /** @param retryAfter seconds until midnight UTC */
  static ofUser(retryAfter: number): QuotaExceededError {
    return new QuotaExceededError('Daily token quota exceeded; it resets at midnight UTC.', retryAfter);
  }

  /** @param retryAfter seconds until midnight UTC */
  static ofInstallation(retryAfter: number): QuotaExceededError {
    return new QuotaExceededError(
      'The daily token budget of this server is used up; it resets at midnight UTC.',
      retryAfter,
    );
  }

  /** @param retryAfter seconds until midnight UTC */
  static ofGuests(retryAfter: number): QuotaExceededError {
    return new QuotaExceededError(
      'Daily tokens of guests used up; sign in to continue, or wait until midnight UTC.',
      retryAfter,
    );
  }

  static whileAnswersRun(): QuotaExceededError {
    return new QuotaExceededError(
      'Running answers may use the remaining tokens of the daily quota; try again when they are finished.',
      RETRY_AFTER_RUNNING_SECONDS,
    );
  }
}
