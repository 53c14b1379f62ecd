import {
  GraphQLBoolean,
  GraphQLID,
  GraphQLInt,
  GraphQLString,
  isEnumType,
  type GraphQLEnumType,
  type GraphQLLeafType,
} from 'graphql';
import { inspect } from 'graphql/jsutils/inspect.js';

/**
 * Returns a value that is not null as JSON; undefined if the serialized value has no JSON.
 * @throws what graphql-js throws for a value that the type does not have
 */
export type LeafWriter = (value: unknown) => string | undefined;

/** Creates the writer of a type. It writes the usual values itself, and has the type serialize the others. */
export function createLeafWriter(type: GraphQLLeafType): LeafWriter {
  const write = (value: unknown) => JSON.stringify(serialize(type, value)) as string | undefined;
  if (isEnumType(type)) return createEnumWriter(type, write);
  if (type === GraphQLString || type === GraphQLID)
    return (value) => (typeof value === 'string' ? JSON.stringify(value) : write(value));
  if (type === GraphQLInt)
    return (value) => (typeof value === 'number' && value === (value | 0) ? String(value) : write(value));
  if (type === GraphQLBoolean) return (value) => (value === true ? 'true' : value === false ? 'false' : write(value));
  return write;
}

function createEnumWriter(type: GraphQLEnumType, write: LeafWriter): LeafWriter {
  const texts = new Map(type.getValues().map(({ value, name }) => [value as unknown, JSON.stringify(name)]));
  return (value) => texts.get(value) ?? write(value);
}

/** `completeLeafValue` of graphql-js. */
function serialize(type: GraphQLLeafType, value: unknown): unknown {
  const serialized = type.serialize(value);
  if (serialized !== null && serialized !== undefined) return serialized;
  throw new Error(
    `Expected \`${inspect(type)}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${inspect(serialized)}`,
  );
}
