import { defaultFieldResolver, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import type { Tracing } from '../telemetry/tracing.js';

/** Creates a span for each field of Query and Mutation that is resolved, whichever transport it comes from. */
export function traceRootFields(schema: GraphQLSchema, tracing: Tracing): void {
  const types = [schema.getQueryType(), schema.getMutationType()];
  for (const type of types.filter((each): each is GraphQLObjectType => !!each)) {
    for (const field of Object.values(type.getFields())) {
      const resolve = field.resolve ?? defaultFieldResolver;
      const name = `${type.name}.${field.name}`;
      const options = { kind: 'internal', attributes: { 'graphql.field.path': name } } as const;
      field.resolve = (...call) => tracing.run(name, options, async (): Promise<unknown> => await resolve(...call));
    }
  }
}
