import { GraphQLError, Kind, type SelectionSetNode, type ValidationRule } from 'graphql';
import { QueryTooComplexError } from '../../platform/errors/api-error.js';

/**
 * Allows one `textSoFar` in the result of an operation: each event repeats the whole text, so that aliases would multiply
 * what a subscription sends. Fields with the same name in the result are merged, and count once.
 */
export const textSoFarRule: ValidationRule = (context) => ({
  OperationDefinition(node) {
    const names = new Set<string>();
    const visited = new Set<string>();
    const collect = (selectionSet: SelectionSetNode | undefined): void => {
      for (const selection of selectionSet?.selections ?? []) {
        if (selection.kind !== Kind.FRAGMENT_SPREAD) {
          if (selection.kind === Kind.FIELD && selection.name.value === 'textSoFar')
            names.add((selection.alias ?? selection.name).value);
          collect(selection.selectionSet);
        } else if (!visited.has(selection.name.value)) {
          visited.add(selection.name.value);
          collect(context.getFragment(selection.name.value)?.selectionSet);
        }
      }
    };
    collect(node.selectionSet);
    if (names.size <= 1) return;
    const originalError = new QueryTooComplexError('The query selects textSoFar more than once; select it once.');
    context.reportError(new GraphQLError(originalError.message, { nodes: [node], originalError }));
  },
});
