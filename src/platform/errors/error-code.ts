import { GraphQLEnumType } from 'graphql';

export enum ErrorCode {
  UNAUTHENTICATED = 'UNAUTHENTICATED',
  FORBIDDEN = 'FORBIDDEN',
  BAD_USER_INPUT = 'BAD_USER_INPUT',
  NOT_FOUND = 'NOT_FOUND',
  EMAIL_TAKEN = 'EMAIL_TAKEN',
  ANSWER_IN_PROGRESS = 'ANSWER_IN_PROGRESS',
  NOT_LAST_ANSWER = 'NOT_LAST_ANSWER',
  RATE_LIMITED = 'RATE_LIMITED',
  QUOTA_EXCEEDED = 'QUOTA_EXCEEDED',
  QUERY_TOO_COMPLEX = 'QUERY_TOO_COMPLEX',
  UNAVAILABLE = 'UNAVAILABLE',
  INTERNAL_SERVER_ERROR = 'INTERNAL_SERVER_ERROR',
  GRAPHQL_PARSE_FAILED = 'GRAPHQL_PARSE_FAILED',
  GRAPHQL_VALIDATION_FAILED = 'GRAPHQL_VALIDATION_FAILED',
}

const DESCRIPTIONS: Record<ErrorCode, string> = {
  UNAUTHENTICATED: "No token, or one that is invalid, expired or revoked; or login details that don't match.",
  FORBIDDEN: 'You are signed in, but your role does not allow this.',
  BAD_USER_INPUT: '`extensions.fields` maps each field of the input at fault to what is wrong with it.',
  NOT_FOUND: 'What the id names does not exist, or is not yours.',
  EMAIL_TAKEN: 'An account with this email exists already.',
  ANSWER_IN_PROGRESS: "The conversation's last answer is still being generated.",
  NOT_LAST_ANSWER: "Only the conversation's last answer can be regenerated.",
  RATE_LIMITED: '`extensions.retryAfter` tells in how many seconds to try again.',
  QUOTA_EXCEEDED: "The user's token quota for the day is spent; `extensions.retryAfter` as above.",
  QUERY_TOO_COMPLEX: 'Too deep, too costly, too many aliases, or too long.',
  UNAVAILABLE: "The server is shutting down or its stores can't be reached; try again.",
  INTERNAL_SERVER_ERROR: 'Ours; the response names nothing of the inside, `extensions.requestId` finds it in the log.',
  GRAPHQL_PARSE_FAILED: 'The text sent is not a GraphQL document.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema, or names no operation that it holds.',
};

/** No field has this type, so the schema has to be told of it. */
export const errorCodeType = new GraphQLEnumType({
  name: 'ErrorCode',
  description: "What `extensions.code` of a request's error can be.",
  values: Object.fromEntries(
    Object.values(ErrorCode).map((value) => [value, { value, description: DESCRIPTIONS[value] }]),
  ),
});
