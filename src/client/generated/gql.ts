/* eslint-disable */
import * as types from './graphql.js';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "mutation Register($input: RegisterInput!) {\n  register(input: $input) {\n    ...Tokens\n  }\n}\n\nmutation Login($input: LoginInput!) {\n  login(input: $input) {\n    ...Tokens\n  }\n}\n\nquery Me {\n  me {\n    ...Account\n  }\n}\n\nquery EmailAvailable($email: String!) {\n  emailAvailable(email: $email)\n}": typeof types.RegisterDocument,
    "mutation AskQuestion($input: AskQuestionInput!) {\n  askQuestion(input: $input) {\n    conversation {\n      ...ConversationParts\n    }\n    question {\n      ...MessageParts\n    }\n    answer {\n      ...MessageParts\n    }\n  }\n}\n\nsubscription AnswerStream($answerId: ID!, $offset: Int! = 0) {\n  answerStream(answerId: $answerId, offset: $offset) {\n    __typename\n    ... on AnswerDelta {\n      offset\n      text\n    }\n    ... on AnswerFinished {\n      answer {\n        ...MessageParts\n      }\n    }\n  }\n}\n\nquery Message($id: ID!) {\n  message(id: $id) {\n    ...MessageParts\n    conversation {\n      id\n    }\n    inReplyTo {\n      ...MessageParts\n    }\n  }\n}": typeof types.AskQuestionDocument,
    "query Conversation($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n  conversation(id: $id) {\n    ...ConversationParts\n    lastMessage {\n      ...MessageParts\n    }\n    messages(first: $first, after: $after, last: $last, before: $before) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        hasPreviousPage\n        startCursor\n        endCursor\n      }\n      nodes {\n        ...MessageParts\n      }\n    }\n  }\n}": typeof types.ConversationDocument,
    "fragment Account on User {\n  id\n  email\n  name\n  phone\n  role\n  createdAt\n  updatedAt\n}\n\nfragment Tokens on AuthPayload {\n  accessToken\n  accessTokenExpiresAt\n  refreshToken\n  refreshTokenExpiresAt\n  user {\n    ...Account\n  }\n}\n\nfragment MessageParts on Message {\n  id\n  role\n  content\n  status\n  error {\n    code\n    message\n    retryable\n  }\n  model\n  usage {\n    promptTokens\n    completionTokens\n    totalTokens\n    estimated\n  }\n  createdAt\n  finishedAt\n}\n\nfragment ConversationParts on Conversation {\n  id\n  title\n  createdAt\n  updatedAt\n}": typeof types.AccountFragmentDoc,
};
const documents: Documents = {
    "mutation Register($input: RegisterInput!) {\n  register(input: $input) {\n    ...Tokens\n  }\n}\n\nmutation Login($input: LoginInput!) {\n  login(input: $input) {\n    ...Tokens\n  }\n}\n\nquery Me {\n  me {\n    ...Account\n  }\n}\n\nquery EmailAvailable($email: String!) {\n  emailAvailable(email: $email)\n}": types.RegisterDocument,
    "mutation AskQuestion($input: AskQuestionInput!) {\n  askQuestion(input: $input) {\n    conversation {\n      ...ConversationParts\n    }\n    question {\n      ...MessageParts\n    }\n    answer {\n      ...MessageParts\n    }\n  }\n}\n\nsubscription AnswerStream($answerId: ID!, $offset: Int! = 0) {\n  answerStream(answerId: $answerId, offset: $offset) {\n    __typename\n    ... on AnswerDelta {\n      offset\n      text\n    }\n    ... on AnswerFinished {\n      answer {\n        ...MessageParts\n      }\n    }\n  }\n}\n\nquery Message($id: ID!) {\n  message(id: $id) {\n    ...MessageParts\n    conversation {\n      id\n    }\n    inReplyTo {\n      ...MessageParts\n    }\n  }\n}": types.AskQuestionDocument,
    "query Conversation($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n  conversation(id: $id) {\n    ...ConversationParts\n    lastMessage {\n      ...MessageParts\n    }\n    messages(first: $first, after: $after, last: $last, before: $before) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        hasPreviousPage\n        startCursor\n        endCursor\n      }\n      nodes {\n        ...MessageParts\n      }\n    }\n  }\n}": types.ConversationDocument,
    "fragment Account on User {\n  id\n  email\n  name\n  phone\n  role\n  createdAt\n  updatedAt\n}\n\nfragment Tokens on AuthPayload {\n  accessToken\n  accessTokenExpiresAt\n  refreshToken\n  refreshTokenExpiresAt\n  user {\n    ...Account\n  }\n}\n\nfragment MessageParts on Message {\n  id\n  role\n  content\n  status\n  error {\n    code\n    message\n    retryable\n  }\n  model\n  usage {\n    promptTokens\n    completionTokens\n    totalTokens\n    estimated\n  }\n  createdAt\n  finishedAt\n}\n\nfragment ConversationParts on Conversation {\n  id\n  title\n  createdAt\n  updatedAt\n}": types.AccountFragmentDoc,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation Register($input: RegisterInput!) {\n  register(input: $input) {\n    ...Tokens\n  }\n}\n\nmutation Login($input: LoginInput!) {\n  login(input: $input) {\n    ...Tokens\n  }\n}\n\nquery Me {\n  me {\n    ...Account\n  }\n}\n\nquery EmailAvailable($email: String!) {\n  emailAvailable(email: $email)\n}"): (typeof documents)["mutation Register($input: RegisterInput!) {\n  register(input: $input) {\n    ...Tokens\n  }\n}\n\nmutation Login($input: LoginInput!) {\n  login(input: $input) {\n    ...Tokens\n  }\n}\n\nquery Me {\n  me {\n    ...Account\n  }\n}\n\nquery EmailAvailable($email: String!) {\n  emailAvailable(email: $email)\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation AskQuestion($input: AskQuestionInput!) {\n  askQuestion(input: $input) {\n    conversation {\n      ...ConversationParts\n    }\n    question {\n      ...MessageParts\n    }\n    answer {\n      ...MessageParts\n    }\n  }\n}\n\nsubscription AnswerStream($answerId: ID!, $offset: Int! = 0) {\n  answerStream(answerId: $answerId, offset: $offset) {\n    __typename\n    ... on AnswerDelta {\n      offset\n      text\n    }\n    ... on AnswerFinished {\n      answer {\n        ...MessageParts\n      }\n    }\n  }\n}\n\nquery Message($id: ID!) {\n  message(id: $id) {\n    ...MessageParts\n    conversation {\n      id\n    }\n    inReplyTo {\n      ...MessageParts\n    }\n  }\n}"): (typeof documents)["mutation AskQuestion($input: AskQuestionInput!) {\n  askQuestion(input: $input) {\n    conversation {\n      ...ConversationParts\n    }\n    question {\n      ...MessageParts\n    }\n    answer {\n      ...MessageParts\n    }\n  }\n}\n\nsubscription AnswerStream($answerId: ID!, $offset: Int! = 0) {\n  answerStream(answerId: $answerId, offset: $offset) {\n    __typename\n    ... on AnswerDelta {\n      offset\n      text\n    }\n    ... on AnswerFinished {\n      answer {\n        ...MessageParts\n      }\n    }\n  }\n}\n\nquery Message($id: ID!) {\n  message(id: $id) {\n    ...MessageParts\n    conversation {\n      id\n    }\n    inReplyTo {\n      ...MessageParts\n    }\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Conversation($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n  conversation(id: $id) {\n    ...ConversationParts\n    lastMessage {\n      ...MessageParts\n    }\n    messages(first: $first, after: $after, last: $last, before: $before) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        hasPreviousPage\n        startCursor\n        endCursor\n      }\n      nodes {\n        ...MessageParts\n      }\n    }\n  }\n}"): (typeof documents)["query Conversation($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n  conversation(id: $id) {\n    ...ConversationParts\n    lastMessage {\n      ...MessageParts\n    }\n    messages(first: $first, after: $after, last: $last, before: $before) {\n      totalCount\n      pageInfo {\n        hasNextPage\n        hasPreviousPage\n        startCursor\n        endCursor\n      }\n      nodes {\n        ...MessageParts\n      }\n    }\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "fragment Account on User {\n  id\n  email\n  name\n  phone\n  role\n  createdAt\n  updatedAt\n}\n\nfragment Tokens on AuthPayload {\n  accessToken\n  accessTokenExpiresAt\n  refreshToken\n  refreshTokenExpiresAt\n  user {\n    ...Account\n  }\n}\n\nfragment MessageParts on Message {\n  id\n  role\n  content\n  status\n  error {\n    code\n    message\n    retryable\n  }\n  model\n  usage {\n    promptTokens\n    completionTokens\n    totalTokens\n    estimated\n  }\n  createdAt\n  finishedAt\n}\n\nfragment ConversationParts on Conversation {\n  id\n  title\n  createdAt\n  updatedAt\n}"): (typeof documents)["fragment Account on User {\n  id\n  email\n  name\n  phone\n  role\n  createdAt\n  updatedAt\n}\n\nfragment Tokens on AuthPayload {\n  accessToken\n  accessTokenExpiresAt\n  refreshToken\n  refreshTokenExpiresAt\n  user {\n    ...Account\n  }\n}\n\nfragment MessageParts on Message {\n  id\n  role\n  content\n  status\n  error {\n    code\n    message\n    retryable\n  }\n  model\n  usage {\n    promptTokens\n    completionTokens\n    totalTokens\n    estimated\n  }\n  createdAt\n  finishedAt\n}\n\nfragment ConversationParts on Conversation {\n  id\n  title\n  createdAt\n  updatedAt\n}"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;