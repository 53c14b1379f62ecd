import { createHash } from 'node:crypto';
import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type ValidationRule,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { ApiError, QueryTooComplexError } from '../../platform/errors/api-error.js';
import { ErrorCode } from '../../platform/errors/error-code.js';
import { limitRules, MAX_DOCUMENT_LENGTH, MAX_DOCUMENT_TOKENS } from './document-limits.js';
import { DOCUMENT_BYTES_PER_CODE_UNIT, MAX_DOCUMENTS } from './document-size.js';
import type { DocumentRequest, PersistedDocuments } from './persisted-documents.js';
import { rejectIntrospection } from './schema-details.js';
import { findVariableErrors } from './variable-errors.js';

/** Validation stops at this number of errors. */
const MAX_ERRORS = 20;

const MAX_CACHE_BYTES = 10_000_000;

const TOO_DEEP = 'The query is nested too deeply.';

interface CachedDocument {
  document: DocumentNode;
  /** The SHA-256 hash of its text. */
  hash: string;
}

export interface Operation extends DocumentRequest {
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/** Parses and validates the operations of all transports, and caches valid documents. */
export class DocumentCache {
  /** What documents must comply with beside the rules of the specification. */
  readonly #limits;
  readonly #hideSuggestions;
  readonly #documents = new LRUCache<string, CachedDocument>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_CACHE_BYTES,
    sizeCalculation: (_document, query) => query.length * DOCUMENT_BYTES_PER_CODE_UNIT,
  });

  /** The texts by their hash, which is how Apollo Server asks for a document. */
  readonly #queries = new LRUCache<string, string>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_CACHE_BYTES,
    sizeCalculation: (query) => query.length * DOCUMENT_BYTES_PER_CODE_UNIT,
  });

  constructor(
    private readonly schema: GraphQLSchema,
    readonly persisted: PersistedDocuments,
    options: { introspection: boolean },
  ) {
    this.#limits = [...limitRules, ...(options.introspection ? [] : [rejectIntrospection])];
    this.#hideSuggestions = !options.introspection;
  }

  /** Returns a document by the SHA-256 hash of its text, if it was valid and is still cached. */
  getByHash(hash: string): DocumentNode | undefined {
    const query = this.#queries.get(hash);
    return query === undefined ? undefined : this.#documents.get(query)?.document;
  }

  /** Returns the text with this SHA-256 hash, of a document that was valid and is still cached. */
  getTextByHash(hash: string): string | undefined {
    return this.#queries.get(hash);
  }

  /** Returns the hash with which the two others find the document of a text; undefined if it is not cached. */
  getHash(query: string): string | undefined {
    const hash = this.#documents.get(query)?.hash;
    return hash !== undefined && this.#queries.has(hash) ? hash : undefined;
  }

  /** Returns the document of an operation, or the errors of the document or of the variables. */
  get({ operationName, variables, ...request }: Operation): DocumentNode | readonly GraphQLError[] {
    const document = this.#find(request);
    if (!('kind' in document)) return document;
    const operation = getOperationAST(document, operationName);
    if (!operation) {
      const error = new GraphQLError(describeMissingOperation(operationName));
      return [addCode(error, ErrorCode.GRAPHQL_VALIDATION_FAILED)];
    }
    const error = findVariableErrors(this.schema, operation, variables ?? {});
    return error ? [toGraphQLError(error)] : document;
  }

  /** Whether the operation is a subscription of a valid document. */
  isSubscription({ operationName, ...request }: Operation): boolean {
    const document = this.#find(request);
    if (!('kind' in document)) return false;
    return getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION;
  }

  /** Returns a document, or its errors. */
  #find(request: DocumentRequest): DocumentNode | readonly GraphQLError[] {
    let query: string;
    try {
      query = this.persisted.resolve(request);
    } catch (error) {
      if (error instanceof ApiError) return [toGraphQLError(error)];
      throw error;
    }
    const cached = this.#documents.get(query);
    if (cached) return cached.document;
    const document = this.#parse(query);
    if ('kind' in document) this.#add(query, document);
    return document;
  }

  #add(query: string, document: DocumentNode): void {
    const hash = createHash('sha256').update(query).digest('hex');
    this.#documents.set(query, { document, hash });
    this.#queries.set(hash, query);
  }

  #parse(query: string): DocumentNode | readonly GraphQLError[] {
    if (query.length > MAX_DOCUMENT_LENGTH) {
      return [toGraphQLError(new QueryTooComplexError('The query is too long.'))];
    }
    try {
      const document = parse(query, { maxTokens: MAX_DOCUMENT_TOKENS });
      // The limits first, because the rules of the specification cost more.
      const errors = this.#validate(document, this.#limits) ?? this.#validate(document, specifiedRules) ?? [];
      if (errors.length === 0) return document;
      return errors.map((error) => addCode(error, ErrorCode.GRAPHQL_VALIDATION_FAILED));
    } catch (error) {
      if (error instanceof GraphQLError) return [addCode(error, ErrorCode.GRAPHQL_PARSE_FAILED)];
      // graphql-js is recursive: two thousand nested lists, which the limit of tokens admits, exceed the call stack.
      if (error instanceof RangeError) return [toGraphQLError(new QueryTooComplexError(TOO_DEEP))];
      throw error;
    }
  }

  /** Returns null when the document is valid. */
  #validate(document: DocumentNode, rules: readonly ValidationRule[]): readonly GraphQLError[] | null {
    const errors = validate(this.schema, document, rules, {
      maxErrors: MAX_ERRORS,
      hideSuggestions: this.#hideSuggestions,
    });
    return errors.length > 0 ? errors : null;
  }
}

/** Uses the messages of graphql-js. */
const describeMissingOperation = (operationName: string | null | undefined): string =>
  operationName == null
    ? 'Must provide operation name if query contains multiple operations.'
    : `Unknown operation named "${operationName}".`;

const toGraphQLError = (originalError: ApiError): GraphQLError =>
  new GraphQLError(originalError.message, { originalError });

const addCode = (error: GraphQLError, code: ErrorCode): GraphQLError =>
  new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    originalError: error.originalError,
    extensions: { code },
  });
