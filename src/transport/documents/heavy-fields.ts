import { GraphQLError, Kind, type FieldNode, type SelectionSetNode, type ValidationRule } from 'graphql';
import { QueryTooComplexError } from '../../platform/errors/api-error.js';

/** What the heavy fields of a document may cost in all. */
const MAX_HEAVY_COST = 200;

/** The cost of fields that read more than their result contains. */
const SEARCH_COST = 20;
const COUNT_COST = 1;
const REPORT_FIELD_COST = 5;

/** The fields of a report of tokens that read all calls. */
const USAGE_LISTS: ReadonlySet<string> = new Set(['daily', 'byUser']);

const MAX_PAGE_SIZE = 100;
const USUAL_PAGE_SIZE = 20;

/**
 * Limits searches, counts and reports. The cost rule counts what a document returns; these fields read whole tables to
 * return a few values.
 */
export const heavyFieldsRule: ValidationRule = (context) => {
  /** By name. A fragment that is being visited costs nothing, so that cycles end. */
  const fragments = new Map<string, number>();

  function getFragmentCost(name: string): number {
    const known = fragments.get(name);
    if (known !== undefined) return known;
    fragments.set(name, 0);
    const cost = getCost(context.getFragment(name)?.selectionSet);
    fragments.set(name, cost);
    return cost;
  }

  function getFieldCost(field: FieldNode): number {
    const { name, selectionSet } = field;
    if (name.value === 'totalCount') return COUNT_COST;
    if (name.value === 'salesReport') return REPORT_FIELD_COST * (selectionSet?.selections.length ?? 0);
    if (USAGE_LISTS.has(name.value)) return REPORT_FIELD_COST;
    const search = hasArgument(field, 'search') ? SEARCH_COST : 0;
    return search + getCost(selectionSet, getPageSize(field));
  }

  /** @param items how often the fields inside the items of a page are resolved */
  function getCost(selectionSet: SelectionSetNode | undefined, items = 1): number {
    let cost = 0;
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) cost += getFragmentCost(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) cost += getCost(selection.selectionSet, items);
      else cost += getFieldCost(selection) * (ITEMS.has(selection.name.value) ? items : 1);
    }
    return cost;
  }

  return {
    OperationDefinition(node) {
      if (getCost(node.selectionSet) <= MAX_HEAVY_COST) return;
      const originalError = new QueryTooComplexError('The query has too many searches, counts or reports.');
      context.reportError(new GraphQLError(originalError.message, { nodes: [node], originalError }));
    },
  };
};

/** The fields of a connection that hold its items. */
const ITEMS: ReadonlySet<string> = new Set(['nodes', 'edges']);

const hasArgument = (field: FieldNode, name: string): boolean =>
  field.arguments?.some((argument) => argument.name.value === name && argument.value.kind !== Kind.NULL) ?? false;

function getPageSize(field: FieldNode): number {
  const size = field.arguments?.find(({ name }) => name.value === 'first' || name.value === 'last')?.value;
  if (!size) return USUAL_PAGE_SIZE;
  return size.kind === Kind.INT ? Math.min(Number(size.value), MAX_PAGE_SIZE) : MAX_PAGE_SIZE;
}
