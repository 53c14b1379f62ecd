import { ApiError } from '../../platform/errors/api-error.js';
import { ErrorCode } from '../../platform/errors/error-code.js';

/** The client sends the document again, with its text. urql looks at the message, Apollo Client at the code. */
export class PersistedQueryNotFoundError extends ApiError {
  constructor() {
    super(ErrorCode.PERSISTED_QUERY_NOT_FOUND, 'PersistedQueryNotFound');
  }
}

/** The same code with another message, so that urql does not send the text in vain. */
export class UntrustedDocumentError extends ApiError {
  constructor() {
    super(
      ErrorCode.PERSISTED_QUERY_NOT_FOUND,
      'This operation is not in the manifest of the server, which runs no others: send the hash of one that is.',
    );
  }
}

/** The client sends texts only from then on. */
export class PersistedQueryNotSupportedError extends ApiError {
  constructor() {
    super(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, 'PersistedQueryNotSupported');
  }
}
