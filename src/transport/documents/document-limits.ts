import { costLimitRule } from '@escape.tech/graphql-armor-cost-limit';
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { GraphQLError, type ValidationContext, type ValidationRule } from 'graphql';
import { QueryTooComplexError } from '../../platform/errors/api-error.js';
import { heavyFieldsRule } from './heavy-fields.js';
import { unconditionalSubscriptionRule } from './subscription-rule.js';
import { textSoFarRule } from './text-so-far-rule.js';

/** The length of a document in UTF-16 code units: enough for the longest question as a literal. */
export const MAX_DOCUMENT_LENGTH = 100_000;

/** The number of tokens in a document. Limits the cost of parsing. */
export const MAX_DOCUMENT_TOKENS = 2_000;

const MAX_DEPTH = 12;
const MAX_ALIASES = 15;
const MAX_COST = 20_000;

/** Validation rules that limit the depth, the aliases and the cost of a document, and what its subscriptions select. */
export const limitRules: ValidationRule[] = [
  unconditionalSubscriptionRule,
  maxDepthRule({ n: MAX_DEPTH, flattenFragments: true, ...reportWith('The query is nested too deeply.') }),
  maxAliasesRule({ n: MAX_ALIASES, allowList: [], ...reportWith('The query has too many aliases.') }),
  costLimitRule({ maxCost: MAX_COST, ...reportWith('The query is too expensive.') }),
  heavyFieldsRule,
  textSoFarRule,
] as ValidationRule[];

/** By default the rules throw; this makes them report an error, like the other rules. */
function reportWith(message: string) {
  return {
    propagateOnRejection: false,
    onReject: [
      (context: ValidationContext | null) => {
        const error = new QueryTooComplexError(message);
        context?.reportError(new GraphQLError(error.message, { originalError: error }));
      },
    ],
  };
}
