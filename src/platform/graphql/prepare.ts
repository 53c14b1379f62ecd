import {
  getOperationAST,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { ApiError } from '../errors/api-error.js';
import { ErrorCode } from '../errors/error-code.js';
import { limitRules, MOST_LENGTH, MOST_TOKENS, QueryTooComplexError } from './limits.js';
import { errorInVariables } from './variables.js';

export interface Operation {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/** Parses and validates operations, with the same limits for every transport. Documents that are good are remembered. */
export class DocumentPreparer {
  readonly rules;
  readonly #known = new LRUCache<string, DocumentNode>({
    max: 1_000,
    maxSize: 10_000_000,
    // The text, in memory, and some ten times as much for its syntax tree.
    sizeCalculation: (_document, query) => query.length * 12,
  });

  constructor(
    private readonly schema: GraphQLSchema,
    options: { introspection: boolean },
  ) {
    this.rules = options.introspection ? limitRules : [...limitRules, NoSchemaIntrospectionCustomRule];
  }

  /** The operation's document, or what is wrong with it or with the variables. */
  prepare({ query, operationName, variables }: Operation): DocumentNode | readonly GraphQLError[] {
    let known: DocumentNode | readonly GraphQLError[] | undefined = this.#known.get(query);
    if (!known) {
      known = this.#check(query);
      if ('kind' in known) this.#known.set(query, known);
    }
    if (!('kind' in known)) return known;
    const operation = getOperationAST(known, operationName);
    if (!operation) {
      return [withCode(new GraphQLError(unresolved(operationName)), ErrorCode.GRAPHQL_VALIDATION_FAILED)];
    }
    const error = errorInVariables(this.schema, operation, variables ?? {});
    return error ? [wrapped(error)] : known;
  }

  #check(query: string): DocumentNode | readonly GraphQLError[] {
    if (query.length > MOST_LENGTH) {
      return [wrapped(new QueryTooComplexError('The query is too long.'))];
    }
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: MOST_TOKENS });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return [withCode(error, ErrorCode.GRAPHQL_PARSE_FAILED)];
    }
    const errors = validate(this.schema, document, [...specifiedRules, ...this.rules]);
    if (errors.length === 0) return document;
    return errors.map((error) => withCode(error, ErrorCode.GRAPHQL_VALIDATION_FAILED));
  }
}

/** In the words that graphql-js, and so Apollo Server, has for it. */
const unresolved = (operationName: string | null | undefined): string =>
  operationName == null
    ? 'Must provide operation name if query contains multiple operations.'
    : `Unknown operation named "${operationName}".`;

const wrapped = (originalError: ApiError): GraphQLError => new GraphQLError(originalError.message, { originalError });

const withCode = (error: GraphQLError, code: ErrorCode): GraphQLError =>
  new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    originalError: error.originalError,
    extensions: { code },
  });
