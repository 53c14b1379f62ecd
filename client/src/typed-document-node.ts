import type { DocumentNode } from 'graphql';

/**
 * A document with the types of its result and its variables. Equal to that of @graphql-typed-document-node/core, which
 * Apollo Client, urql and graphql-request know.
 */
export interface TypedDocumentNode<
  TResult = Record<string, unknown>,
  TVariables = Record<string, unknown>,
> extends DocumentNode {
  __apiType?: (variables: TVariables) => TResult;
}
