import { isObjectType, type GraphQLSchema } from 'graphql';
import { getMetadataStorage } from 'type-graphql';

type FieldResolver = ReturnType<typeof getMetadataStorage>['fieldResolvers'][number];
type Param = NonNullable<FieldResolver['params']>[number];

/** Returns the instance of a resolver class. */
type ResolverLookup = (type: new (...args: never[]) => object) => object;

/** Has graphql-js read the fields that are properties. Called before the schema is built. */
export function readPropertiesDirectly(): void {
  for (const type of getMetadataStorage().objectTypes) type.simpleResolvers = true;
}

/**
 * Calls field resolvers whose parameters are the object, or the object and the context. type-graphql would create, sort and
 * map a list of parameters for each call, and a page has a hundred of them.
 */
export function callFieldResolversDirectly(schema: GraphQLSchema, resolvers: ResolverLookup): void {
  const { fieldResolvers, objectTypes } = getMetadataStorage();
  for (const resolver of fieldResolvers.filter(isDirect)) {
    const { target, methodName, schemaName, getObjectType } = resolver;
    const object = objectTypes.find((type) => type.target === getObjectType!());
    const type = object && schema.getType(object.name);
    const field = isObjectType(type) ? type.getFields()[schemaName] : undefined;
    if (!field) continue;
    const getInstance = () =>
      resolvers(target as new () => object) as Record<string, (root: unknown, context?: unknown) => unknown>;
    field.resolve =
      resolver.params!.length === 1
        ? (root) => getInstance()[methodName]!(root)
        : (root, _args, context) => getInstance()[methodName]!(root, context);
  }
}

function isDirect({ kind, params = [], middlewares, roles }: FieldResolver): boolean {
  const [root, context, ...others] = params.toSorted((a, b) => a.index - b.index);
  const isExpected = root && isWhole(root, 'root') && (!context || isWhole(context, 'context')) && others.length === 0;
  return kind === 'external' && !middlewares?.length && !roles?.length && !!isExpected;
}

/** Whether type-graphql passes the value on as it is. The class of a type that is not a class is Object. */
const isWhole = (param: Param, kind: 'root' | 'context'): boolean =>
  param.kind === kind &&
  (param.kind === 'root' || param.kind === 'context') &&
  param.propertyName === undefined &&
  (param.kind === 'context' || (param.getType?.() ?? Object) === Object);
