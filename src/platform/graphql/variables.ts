import {
  coerceInputValue,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  typeFromAST,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { BadUserInputError, type FieldMistakes } from '../errors/api-error.js';

/** So many mistakes are told at once. */
const MOST = 20;

/**
 * What is wrong with an operation's variables, by field; null where nothing is. graphql-js would tell it in sentences
 * that repeat the values, which may be secrets.
 */
export function errorInVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  given: Record<string, unknown>,
): BadUserInputError | null {
  const mistakes: FieldMistakes = {};
  for (const { variable, type: node, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, node);
    if (!isInputType(type)) continue;
    if (!Object.hasOwn(given, name)) {
      if (isNonNullType(type) && !defaultValue) mistakes[name] = 'Give a value.';
      continue;
    }
    coerceInputValue(given[name], type, (path, _value, { message }) => {
      if (Object.keys(mistakes).length >= MOST) return;
      const missing = /^Field "(\w+)" of required type/.exec(message)?.[1];
      const unknown = /^Field "([^"]+)" is not defined/.exec(message)?.[1];
      const field = [...path, ...((missing ?? unknown) ? [missing ?? unknown] : [])].join('.');
      mistakes[field || name] = missing
        ? 'Give a value.'
        : unknown
          ? 'There is no such field.'
          : `Give a value of the type ${String(typeAt(type, path))}.`;
    });
  }
  return Object.keys(mistakes).length > 0 ? new BadUserInputError(mistakes) : null;
}

function typeAt(type: GraphQLInputType, path: readonly (string | number)[]): GraphQLInputType {
  let at: GraphQLInputType = type;
  for (const key of path) {
    const inner = getNullableType(at);
    if (isListType(inner)) at = inner.ofType;
    else if (isInputObjectType(inner)) at = inner.getFields()[key]?.type ?? at;
  }
  return at;
}
