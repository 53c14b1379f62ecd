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

/** Why the model ended an answer. */
export enum FinishReason {
  STOP = 'STOP',
  LENGTH = 'LENGTH',
  CONTENT_FILTER = 'CONTENT_FILTER',
  TOOL_LIMIT = 'TOOL_LIMIT',
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
  OUTPUT_LIMIT = 'OUTPUT_LIMIT',
  PROVIDER_EMPTY = 'PROVIDER_EMPTY',
  INTERRUPTED = 'INTERRUPTED',
  INTERNAL = 'INTERNAL',
}

/** How far a call of a tool has got. */
export enum ToolCallState {
  RUNNING = 'RUNNING',
  DONE = 'DONE',
  FAILED = 'FAILED',
}

registerEnumType(ToolCallState, {
  name: 'ToolCallState',
  description: 'How far a look-up has got.',
  valuesConfig: {
    RUNNING: { description: 'It has no result yet.' },
    DONE: { description: 'It has a result.' },
    FAILED: { description: 'It has no result; `result` tells why, as the model was told.' },
  },
});

registerEnumType(MessageRole, {
  name: 'MessageRole',
  description: 'The author of a message.',
  valuesConfig: {
    USER: { description: 'The user, who asks questions.' },
    ASSISTANT: { description: 'The assistant, which answers them.' },
  },
});

registerEnumType(MessageStatus, {
  name: 'MessageStatus',
  description: 'Status of a message.',
  valuesConfig: {
    STREAMING: { description: 'The answer is being generated.' },
    COMPLETED: { description: 'The message is complete.' },
    STOPPED: { description: 'stopAnswer stopped the answer; `content` is the text generated until then.' },
    FAILED: { description: 'An error ended the answer; see `error`. `content` is the text generated until then.' },
  },
});

registerEnumType(FinishReason, {
  name: 'FinishReason',
  description: 'Why the model ended an answer.',
  valuesConfig: {
    STOP: { description: 'The answer is complete.' },
    LENGTH: { description: 'The answer was cut at the maximum tokens of an answer.' },
    CONTENT_FILTER: { description: 'The content filter of the provider blocked the answer.' },
    TOOL_LIMIT: {
      description:
        'The model requested too many look-ups. COMPLETED with the text so far; FAILED with OUTPUT_LIMIT if there is no text.',
    },
  },
});

registerEnumType(AnswerErrorCode, {
  name: 'AnswerErrorCode',
  description: 'Why an answer failed.',
  valuesConfig: {
    PROVIDER_RATE_LIMITED: { description: 'The provider rate-limited this server; all retries failed.' },
    PROVIDER_QUOTA_EXCEEDED: { description: "The provider's account is out of credit." },
    PROVIDER_REJECTED: {
      description: "The provider rejected the server's API key or model; the operator has to fix it.",
    },
    PROVIDER_UNAVAILABLE: {
      description: 'The provider could not be reached, failed, or closed the connection; all retries failed.',
    },
    PROVIDER_TIMEOUT: { description: 'The provider did not respond in time.' },
    CONTEXT_TOO_LONG: { description: "The question does not fit into the model's context window." },
    CONTENT_FILTERED: { description: 'The content filter of the provider blocked the answer.' },
    OUTPUT_LIMIT: { description: 'The model reached the maximum tokens of an answer before it wrote any text.' },
    PROVIDER_EMPTY: { description: 'The model ended the answer without any text.' },
    INTERRUPTED: { description: 'The server instance that generated the answer stopped.' },
    INTERNAL: { description: 'An internal error of this server; see its log.' },
  },
});
