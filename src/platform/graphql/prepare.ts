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
import { ErrorCode } from '../errors/error-code.js';
import { limitRules, MOST_LENGTH, MOST_TOKENS, QueryTooComplexError } from './limits.js';

export interface Operation {
  query: string;
  operationName?: string | null;
}

/** Parses and validates documents, with the same limits for every transport. What is found is remembered. */
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

  /** The document, or what is wrong with it. */
  prepare({ query, operationName }: Operation): DocumentNode | readonly GraphQLError[] {
    let known: DocumentNode | readonly GraphQLError[] | undefined = this.#known.get(query);
    if (!known) {
      known = this.#check(query);
      if ('kind' in known) this.#known.set(query, known);
    }
    if ('kind' in known && !getOperationAST(known, operationName)) {
      return [withCode(new GraphQLError(unresolved(operationName)), ErrorCode.GRAPHQL_VALIDATION_FAILED)];
    }
    return known;
  }

  #check(query: string): DocumentNode | readonly GraphQLError[] {
    if (query.length > MOST_LENGTH) {
      const error = new QueryTooComplexError('The query is too long.');
      return [new GraphQLError(error.message, { originalError: error })];
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

const withCode = (error: GraphQLError, code: ErrorCode): GraphQLError =>
  new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    originalError: error.originalError,
    extensions: { code },
  });
