import {
  defaultFieldResolver,
  getNamedType,
  GraphQLString,
  isIntrospectionType,
  isObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { RequestContext } from './context.js';

/**
 * Takes the text of each field of type String from the result's budget when the field is resolved. The other leaves have
 * a bounded size, so that the limit of rows suffices for them.
 */
export function chargeText(schema: GraphQLSchema): void {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  for (const type of types.filter((each) => !isIntrospectionType(each))) {
    for (const field of Object.values(type.getFields())) {
      if (getNamedType(field.type) !== GraphQLString) continue;
      const resolve = field.resolve ?? defaultFieldResolver;
      field.resolve = (source, args, context: RequestContext, info): unknown => {
        const value: unknown = resolve(source, args, context, info);
        if (value instanceof Promise) return value.then((text: unknown) => charge(context, text));
        return charge(context, value);
      };
    }
  }
}

/** Returns the value. @throws QueryTooComplexError when the budget is exceeded */
function charge(context: RequestContext, value: unknown): unknown {
  if (typeof value === 'string') context.spendBytes(value.length);
  else if (Array.isArray(value)) for (const item of value) charge(context, item);
  return value;
}
