import { Field, ObjectType } from 'type-graphql';
import { AnswerErrorCode } from './message.enums.js';

@ObjectType({ description: 'Why an answer failed.' })
export class AnswerError {
  @Field(() => AnswerErrorCode, { description: 'Machine-readable error code.' })
  code!: AnswerErrorCode;

  @Field(() => String, {
    description: 'Message to show to the user. It contains no internals or keys of the provider.',
  })
  message!: string;

  @Field(() => Boolean, { description: 'Whether regenerateAnswer is likely to succeed.' })
  retryable!: boolean;
}

const ERRORS: Record<AnswerErrorCode, Omit<AnswerError, 'code'>> = {
  PROVIDER_RATE_LIMITED: { retryable: true, message: 'The assistant is busy. Try again in a minute.' },
  PROVIDER_QUOTA_EXCEEDED: {
    retryable: false,
    message: 'The assistant is out of credit. Contact the operator of this service.',
  },
  PROVIDER_REJECTED: {
    retryable: false,
    message: 'The assistant is not configured correctly. Contact the operator of this service.',
  },
  PROVIDER_UNAVAILABLE: {
    retryable: true,
    message: 'The assistant could not be reached or stopped responding. Try again.',
  },
  PROVIDER_TIMEOUT: { retryable: true, message: 'The assistant did not respond in time. Try again.' },
  CONTEXT_TOO_LONG: { retryable: false, message: 'The question is too long for the assistant. Shorten it.' },
  CONTENT_FILTERED: { retryable: false, message: 'The answer was blocked by a content filter. Rephrase the question.' },
  OUTPUT_LIMIT: {
    retryable: false,
    message: 'The model reached its token limit before it wrote an answer. Ask a simpler question.',
  },
  PROVIDER_EMPTY: { retryable: true, message: 'The assistant did not write an answer. Try again.' },
  INTERRUPTED: { retryable: true, message: 'The server stopped while it was generating the answer. Try again.' },
  INTERNAL: { retryable: true, message: 'Internal server error. Try again.' },
};

export const toAnswerError = (code: AnswerErrorCode): AnswerError => ({ code, ...ERRORS[code] });
