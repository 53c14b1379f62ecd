import { ErrorReason } from '../../platform/errors/error-code.js';
import { BadUserInputError, type ApiError } from '../../platform/errors/api-error.js';

/** A request that is rejected before an operation is executed. */
export class RequestError extends Error {
  /** @param status the HTTP status; by default that of the error's code */
  constructor(
    readonly error: Pick<ApiError, 'message' | 'extensions'>,
    readonly status?: number,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(error.message);
  }
}

interface BadRequestDetails {
  /** The HTTP status, 400 by default. */
  status?: number;
  headers?: Record<string, string>;
  reason?: ErrorReason;
}

/** @param field the part of the request that is wrong */
export const badRequest = (
  field: string,
  message: string,
  { status = 400, headers, reason = ErrorReason.MALFORMED }: BadRequestDetails = {},
): RequestError => new RequestError(new BadUserInputError({ [field]: message }, { reason }), status, headers);
