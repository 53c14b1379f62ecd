import { BREAK, Kind, visit, type DocumentNode } from 'graphql';

/** Returns whether a directive of the document reads a variable, so that its result may have other fields. */
export function hasVariableConditions(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive({ arguments: args }) {
      if (!args?.some(({ value }) => value.kind === Kind.VARIABLE)) return undefined;
      found = true;
      return BREAK;
    },
  });
  return found;
}
