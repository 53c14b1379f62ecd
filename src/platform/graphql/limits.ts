import { costLimitRule } from '@escape.tech/graphql-armor-cost-limit';
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { GraphQLError, type ValidationContext, type ValidationRule } from 'graphql';
import { ApiError } from '../errors/api-error.js';
import { ErrorCode } from '../errors/error-code.js';

/** The longest document, in UTF-16 code units: room for the longest question, written into it. */
export const MOST_LENGTH = 100_000;

/** The most tokens of a document, so that parsing itself stays cheap. */
export const MOST_TOKENS = 2_000;

/**
 * The most rows of lists that one operation may read. The cost rule knows only the page sizes that are written in the
 * document; this one also those of variables and defaults.
 */
export const MOST_ROWS = 10_000;

const MOST_DEPTH = 12;
const MOST_ALIASES = 15;
const MOST_COST = 20_000;

export class QueryTooComplexError extends ApiError {
  constructor(what: string) {
    super(ErrorCode.QUERY_TOO_COMPLEX, `${what} Ask for less at once.`);
  }
}

/** Validation rules that keep a document's depth, aliases and cost in bounds. */
export const limitRules: ValidationRule[] = [
  maxDepthRule({ n: MOST_DEPTH, flattenFragments: true, ...reporting('The query is nested too deeply.') }),
  maxAliasesRule({ n: MOST_ALIASES, allowList: [], ...reporting('The query has too many aliases.') }),
  costLimitRule({ maxCost: MOST_COST, ...reporting('The query is too costly.') }),
] as ValidationRule[];

/** The rules' own way is to throw; reported, the error joins those of the other rules. */
function reporting(what: string) {
  return {
    propagateOnRejection: false,
    onReject: [
      (context: ValidationContext | null) => {
        const error = new QueryTooComplexError(what);
        context?.reportError(new GraphQLError(error.message, { originalError: error }));
      },
    ],
  };
}
