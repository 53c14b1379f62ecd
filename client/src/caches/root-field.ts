import { getOperationAST, Kind, valueFromASTUntyped, type DocumentNode } from 'graphql';

/** Returns the arguments of a root field, or null if the operation does not select it. */
export function findRootField(
  document: DocumentNode,
  variables: Record<string, unknown>,
  name: string,
): Record<string, unknown> | null {
  for (const field of getOperationAST(document)?.selectionSet.selections ?? []) {
    if (field.kind !== Kind.FIELD || field.name.value !== name) continue;
    const values = (field.arguments ?? []).map(({ name, value }) => [
      name.value,
      valueFromASTUntyped(value, variables),
    ]);
    return Object.fromEntries(values) as Record<string, unknown>;
  }
  return null;
}
