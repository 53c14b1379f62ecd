import { defaultFieldResolver, type GraphQLSchema } from 'graphql';
import type { RequestContext } from '../../platform/graphql/context.js';

/** The fields of Query that may read very much at once. */
const HEAVY_FIELDS = ['conversations', 'salesReport', 'usage'];

/**
 * Makes each heavy field of a document wait for a turn of its own, since a query of SQLite blocks the event loop. Fields
 * that are loaded together are not included: they would lose their common query.
 */
export function divideHeavyOperations(
  schema: GraphQLSchema,
  takeTurn: (context: RequestContext) => Promise<void>,
): void {
  const fields = schema.getQueryType()?.getFields() ?? {};
  for (const field of HEAVY_FIELDS.map((name) => fields[name]!)) {
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = async (source, args, context: RequestContext, info): Promise<unknown> => {
      await takeTurn(context);
      return await resolve(source, args, context, info);
    };
  }
}
