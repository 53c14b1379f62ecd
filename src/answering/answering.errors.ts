import { ApiError } from '../platform/errors/api-error.js';
import { ErrorCode } from '../platform/errors/error-code.js';

export class NotLastAnswerError extends ApiError {
  constructor() {
    super(
      ErrorCode.NOT_LAST_ANSWER,
      "Only the conversation's last answer can be regenerated or continued; ask a new question instead.",
    );
  }
}

/** How long to wait for a running answer to finish, in seconds: an estimate. */
const RETRY_AFTER_SECONDS = 5;

export class TooManyAnswersError extends ApiError {
  private constructor(message: string) {
    super(ErrorCode.TOO_MANY_ANSWERS, message, { retryAfter: RETRY_AFTER_SECONDS });
  }

  static ofUser(limit: number): TooManyAnswersError {
    return new TooManyAnswersError(
      `Too many answers at once: at most ${limit} can be generated for you; wait until one is finished, or stop one.`,
    );
  }

  static onServer(): TooManyAnswersError {
    return new TooManyAnswersError('The server is generating too many answers; try again in a few seconds.');
  }
}

export class AnswerInProgressError extends ApiError {
  /** @param answerId the answer that is being generated; null if it is unknown */
  constructor(answerId: string | null) {
    super(
      ErrorCode.ANSWER_IN_PROGRESS,
      'The last answer is still being generated; wait until it is finished, or stop it.',
      answerId === null ? {} : { answerId },
    );
  }
}
