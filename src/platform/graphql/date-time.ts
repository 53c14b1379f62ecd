import { GraphQLScalarType } from 'graphql';
import { GraphQLISODateTime } from 'type-graphql';

const config = GraphQLISODateTime.toConfig();

/** The scalar of all fields of type Date. */
export const DateTimeISO: GraphQLScalarType<Date, string> = new GraphQLScalarType({
  ...(config as object),
  name: config.name,
  // The usual value needs no further checks.
  serialize: (value) =>
    value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : config.serialize(value),
  description: 'A UTC timestamp in ISO 8601 format with millisecond precision.',
  parseValue: (value) => requireCommonEra(config.parseValue(value)),
  parseLiteral: (node, variables) => requireCommonEra(config.parseLiteral(node, variables)),
});

/** @throws TypeError for years before 1, which PostgreSQL writes in a different format */
function requireCommonEra(date: Date): Date {
  if (date.getUTCFullYear() < 1) throw new TypeError('Must be in the year 1 or later.');
  return date;
}
