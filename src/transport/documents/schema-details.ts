import { getNamedType, GraphQLError, isIntrospectionType, type ValidationRule } from 'graphql';

/** Rejects introspection with the message of an unknown field, so that it does not hint at a setting. */
export const rejectIntrospection: ValidationRule = (context) => ({
  Field(node) {
    const type = getNamedType(context.getType());
    const { value: name } = node.name;
    if (!type || !isIntrospectionType(type) || !name.startsWith('__')) return;
    const message = `Cannot query field "${name}" on type "${context.getParentType()?.name}".`;
    context.reportError(new GraphQLError(message, { nodes: [node] }));
  },
});
