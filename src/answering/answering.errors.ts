import { ApiError } from '../platform/errors/api-error.js';
import { ErrorCode } from '../platform/errors/error-code.js';

export class NotLastAnswerError extends ApiError {
  constructor() {
    super(
      ErrorCode.NOT_LAST_ANSWER,
      "Only the conversation's last answer can be regenerated; ask a new question instead.",
    );
  }
}

export class AnswerInProgressError extends ApiError {
  constructor() {
    super(
      ErrorCode.ANSWER_IN_PROGRESS,
      'The last answer is still being generated; follow it, stop it, or wait for its end.',
    );
  }
}
