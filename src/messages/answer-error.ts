import { Field, ObjectType } from 'type-graphql';
import { AnswerErrorCode } from './message.enums.js';

@ObjectType({ description: 'Why an answer failed.' })
export class AnswerError {
  @Field(() => AnswerErrorCode, { description: 'What went wrong, for programs.' })
  code!: AnswerErrorCode;

  @Field(() => String, { description: "For people; holds nothing of the provider's internals or keys." })
  message!: string;

  @Field(() => Boolean, { description: 'Whether regenerateAnswer may well succeed.' })
  retryable!: boolean;
}

const ERRORS: Record<AnswerErrorCode, Omit<AnswerError, 'code'>> = {
  PROVIDER_RATE_LIMITED: { retryable: true, message: 'The assistant is very busy right now. Try again in a minute.' },
  PROVIDER_QUOTA_EXCEEDED: {
    retryable: false,
    message: 'The assistant is out of credit. Whoever runs this service has to top it up.',
  },
  PROVIDER_REJECTED: {
    retryable: false,
    message: "The assistant is not set up correctly. Whoever runs this service finds the reason in the server's log.",
  },
  PROVIDER_UNAVAILABLE: { retryable: true, message: 'The assistant could not be reached, or broke off. Try again.' },
  PROVIDER_TIMEOUT: { retryable: true, message: 'The assistant was silent for too long. Try again.' },
  CONTEXT_TOO_LONG: { retryable: false, message: 'The question is too long for the assistant. Ask a shorter one.' },
  CONTENT_FILTERED: { retryable: false, message: 'The answer was withheld. Ask in other words.' },
  INTERRUPTED: { retryable: true, message: 'The server was interrupted while it answered. Try again.' },
  INTERNAL: { retryable: true, message: 'Something went wrong on the server. Try again.' },
};

export const answerError = (code: AnswerErrorCode): AnswerError => ({ code, ...ERRORS[code] });
