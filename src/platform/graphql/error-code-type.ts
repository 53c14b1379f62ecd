import { GraphQLEnumType } from 'graphql';
import { ErrorCode } from '../errors/error-code.js';

const DESCRIPTIONS: Record<ErrorCode, string> = {
  PERSISTED_QUERY_NOT_FOUND:
    'The hash is unknown: send the document. If the server runs only the operations of its manifest: it is not one of them.',
  PERSISTED_QUERY_NOT_SUPPORTED: 'This version of persisted queries is not supported: send documents without a hash.',
  UNAUTHENTICATED: 'The token is missing, invalid, expired or revoked, or the credentials are incorrect.',
  FORBIDDEN: 'Your role, or a setting of the server, does not permit the operation.',
  BAD_USER_INPUT:
    'The input is invalid; `extensions.fields` maps each invalid field to its error message. If the request is invalid as a whole: `extensions.reason`.',
  NOT_FOUND: 'The id is unknown or belongs to another user.',
  EMAIL_TAKEN: 'An account with this email already exists.',
  ANSWER_IN_PROGRESS:
    "The conversation's last answer is still being generated; `extensions.answerId` is the id of the answer.",
  LINK_INVALID: 'The link was used, was replaced by a newer one, or is too old; request another one.',
  EMAIL_NOT_VERIFIED: 'Asking requires a verified email here. Guests may ask within their limits.',
  TOO_MANY_ANSWERS:
    'Too many answers are being generated for you, or by the server; `extensions.retryAfter` is the number of seconds to wait.',
  NOT_LAST_ANSWER: "Only the conversation's last answer can be regenerated.",
  RATE_LIMITED: 'Too many requests; `extensions.retryAfter` is the number of seconds to wait.',
  QUOTA_EXCEEDED:
    'The daily tokens of the user, or of the installation, are used up; `extensions.retryAfter` is the number of seconds to wait.',
  QUERY_TOO_COMPLEX: 'The operation is too deep, too expensive or too long, or has too many aliases.',
  UNAVAILABLE: 'The server is busy or shutting down, or cannot reach its database or Redis; try again.',
  INTERNAL_SERVER_ERROR: 'An error of the server. Its details are in the server log under `extensions.requestId`.',
  GRAPHQL_PARSE_FAILED: 'The document is not valid GraphQL syntax.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not match the schema or does not contain the requested operation.',
};

/** No field returns this type, so schema.ts adds it to the schema explicitly. */
export const errorCodeType = new GraphQLEnumType({
  name: 'ErrorCode',
  description: 'The values of `extensions.code` in the errors of a response.',
  values: Object.fromEntries(
    Object.values(ErrorCode).map((value) => [value, { value, description: DESCRIPTIONS[value] }]),
  ),
});
