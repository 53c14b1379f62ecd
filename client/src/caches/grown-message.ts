import { Kind, parse, print, type DocumentNode, type FragmentDefinitionNode, type SelectionSetNode } from 'graphql';
import type { MergeableMessage } from '../chat/merge-message.js';
import { ShownProductPartsFragmentDoc, ToolCallPartsFragmentDoc } from '../generated/graphql.js';

/** What a cache has to write so that a message is shown with what it has grown by. */
export interface GrownPart {
  fragment: DocumentNode;
  data: { __typename: 'Message'; id: string; [field: string]: unknown };
}

const TEXT = parse(`
  fragment GrownText on Message {
    id
    status
    content
    reasoning
  }
`);

const CALLS = createListFragment('toolCalls', ToolCallPartsFragmentDoc);
const PRODUCTS = createListFragment('products', ShownProductPartsFragmentDoc);

/** Returns the parts of a message that grows. Look-ups and products are left out if an operation selects less of them. */
export function toGrownParts(message: MergeableMessage): GrownPart[] {
  const { id, status, content = '', reasoning = null, toolCalls = [], products = [] } = message;
  const owner = { __typename: 'Message' as const, id };
  const parts: GrownPart[] = [{ fragment: TEXT, data: { ...owner, status, content, reasoning } }];
  if (toolCalls.length > 0 && toolCalls.every((call) => isWhole(call, ToolCallPartsFragmentDoc))) {
    const calls = toolCalls.map(({ id, name, state, offset }) => ({ __typename: 'ToolCall', id, name, state, offset }));
    parts.push({ fragment: CALLS, data: { ...owner, toolCalls: calls } });
  }
  if (products.length > 0 && products.every((product) => isWhole(product, ShownProductPartsFragmentDoc)))
    parts.push({ fragment: PRODUCTS, data: { ...owner, products } });
  return parts;
}

/** Returns a fragment of a message with a list, whose items have the fields of a fragment of theirs. */
function createListFragment(list: string, parts: DocumentNode): DocumentNode {
  return parse(`fragment Grown_${list} on Message { id ${list} ${print(getSelections(parts))} }`);
}

/** Whether an object has all fields of a fragment. */
const isWhole = (object: object, parts: DocumentNode): boolean => hasAll(object, getSelections(parts));

const hasAll = (object: object, { selections }: SelectionSetNode): boolean =>
  selections.every((selection) => {
    if (selection.kind !== Kind.FIELD) return true;
    const value = (object as Record<string, unknown>)[selection.name.value];
    const fields = selection.selectionSet;
    return value !== undefined && (!fields || value === null || hasAll(value, fields));
  });

function getSelections({ definitions: [fragment] }: DocumentNode): SelectionSetNode {
  return (fragment as FragmentDefinitionNode).selectionSet;
}
