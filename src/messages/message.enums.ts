import { registerEnumType } from 'type-graphql';

export enum MessageRole {
  USER = 'USER',
  ASSISTANT = 'ASSISTANT',
}

export enum MessageStatus {
  STREAMING = 'STREAMING',
  COMPLETED = 'COMPLETED',
  STOPPED = 'STOPPED',
  FAILED = 'FAILED',
}

/** Why an answer failed. */
export enum AnswerErrorCode {
  PROVIDER_RATE_LIMITED = 'PROVIDER_RATE_LIMITED',
  PROVIDER_QUOTA_EXCEEDED = 'PROVIDER_QUOTA_EXCEEDED',
  PROVIDER_REJECTED = 'PROVIDER_REJECTED',
  PROVIDER_UNAVAILABLE = 'PROVIDER_UNAVAILABLE',
  PROVIDER_TIMEOUT = 'PROVIDER_TIMEOUT',
  CONTEXT_TOO_LONG = 'CONTEXT_TOO_LONG',
  CONTENT_FILTERED = 'CONTENT_FILTERED',
  INTERRUPTED = 'INTERRUPTED',
  INTERNAL = 'INTERNAL',
}

registerEnumType(MessageRole, {
  name: 'MessageRole',
  description: 'Who said a message.',
  valuesConfig: {
    USER: { description: 'You: a question.' },
    ASSISTANT: { description: 'The language model: an answer.' },
  },
});

registerEnumType(MessageStatus, {
  name: 'MessageStatus',
  description: 'How far a message is.',
  valuesConfig: {
    STREAMING: { description: 'Being generated.' },
    COMPLETED: { description: 'Whole.' },
    STOPPED: { description: 'Ended by stopAnswer; the content is what was generated until then.' },
    FAILED: { description: 'Ended by an error; see `error`. The content is what was generated until then.' },
  },
});

registerEnumType(AnswerErrorCode, {
  name: 'AnswerErrorCode',
  description: 'Why an answer failed.',
  valuesConfig: {
    PROVIDER_RATE_LIMITED: { description: 'The provider throttles this server; retries were exhausted.' },
    PROVIDER_QUOTA_EXCEEDED: { description: "The provider's account is out of credit." },
    PROVIDER_REJECTED: { description: "The provider refused the server's key or model: a matter for the operator." },
    PROVIDER_UNAVAILABLE: {
      description: 'The provider could not be reached, failed, or broke off; retries were exhausted.',
    },
    PROVIDER_TIMEOUT: { description: 'The provider was silent for too long.' },
    CONTEXT_TOO_LONG: { description: "The question does not fit the model's context." },
    CONTENT_FILTERED: { description: 'The provider withheld the answer.' },
    INTERRUPTED: { description: 'The server that generated it went away.' },
    INTERNAL: { description: 'A fault of this server; its log has the details.' },
  },
});
