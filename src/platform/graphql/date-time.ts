import { GraphQLScalarType } from 'graphql';
import { GraphQLISODateTime } from 'type-graphql';

const config = GraphQLISODateTime.toConfig();

/** The scalar of every Date. */
export const DateTimeISO: GraphQLScalarType<Date, string> = new GraphQLScalarType({
  ...(config as object),
  name: config.name,
  serialize: config.serialize,
  description: 'An instant in UTC, ISO 8601, millisecond precision.',
  parseValue: (value) => inOurEra(config.parseValue(value)),
  parseLiteral: (node, variables) => inOurEra(config.parseLiteral(node, variables)),
});

/** @throws TypeError for the year 0 and before, which PostgreSQL writes in another way. */
function inOurEra(date: Date): Date {
  if (date.getUTCFullYear() < 1) throw new TypeError('Give a date of the year 1 or later.');
  return date;
}
