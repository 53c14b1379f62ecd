import {
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  OperationTypeNode,
  TypeNameMetaFieldDef,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js';
import { hasVariableConditions } from '../documents/conditions.js';
import { createLeafWriter, type LeafWriter } from './leaf-writer.js';

/** The maximum number of fields of a plan. Those of a fragment count each time that it is spread. */
const MAX_FIELDS = 500;

/** A field of a selection set, with all that does not depend on variables and values. */
export interface PlannedField {
  /** The name in the response. */
  readonly name: string;
  /** The name as JSON, and a colon. */
  readonly key: string;
  readonly nodes: readonly FieldNode[];
  readonly parentType: GraphQLObjectType;
  readonly definition: GraphQLField<unknown, unknown>;
  /** The value as JSON if it is always the same, as that of `__typename`; else null. */
  readonly constant: string | null;
  readonly isNonNull: boolean;
  readonly isList: boolean;
  readonly isItemNonNull: boolean;
  /** Writes the value, or each item of a list. Null for objects. */
  readonly writeLeaf: LeafWriter | null;
  /** The fields of the object, or of each item of a list. */
  readonly fields: readonly PlannedField[];
}

export interface OperationPlan {
  readonly operation: OperationDefinitionNode;
  readonly fragments: Record<string, FragmentDefinitionNode>;
  readonly fields: readonly PlannedField[];
  /** The number of all fields. */
  readonly size: number;
}

/**
 * Plans an operation of a valid document. Returns null if graphql-js has to execute it: a subscription, a document in which
 * a directive reads a variable, and fields of interfaces, unions, lists of lists and the introspection.
 */
export function createPlan(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): OperationPlan | null {
  const rootType = schema.getRootType(operation.operation);
  if (!rootType || operation.operation === OperationTypeNode.SUBSCRIPTION || hasVariableConditions(document))
    return null;
  const planner = new Planner(schema, document);
  const fields = planner.planRoot(rootType, operation);
  return fields && { operation, fragments: planner.fragments, fields, size: planner.size };
}

class Planner {
  readonly fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  size = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
  ) {
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments[definition.name.value] = definition;
  }

  /** Returns null if a field cannot be planned. */
  planRoot(type: GraphQLObjectType, { selectionSet }: OperationDefinitionNode): PlannedField[] | null {
    return this.#plan(type, collectFields(this.schema, this.fragments, {}, type, selectionSet));
  }

  #plan(parentType: GraphQLObjectType, nodesByName: ReadonlyMap<string, readonly FieldNode[]>): PlannedField[] | null {
    this.size += nodesByName.size;
    if (this.size > MAX_FIELDS) return null;
    const fields: PlannedField[] = [];
    for (const [name, nodes] of nodesByName) {
      const field = this.#planField(parentType, name, nodes);
      if (!field) return null;
      fields.push(field);
    }
    return fields;
  }

  #planField(parentType: GraphQLObjectType, name: string, nodes: readonly FieldNode[]): PlannedField | null {
    const fieldName = nodes[0]!.name.value;
    const isTypeName = fieldName === TypeNameMetaFieldDef.name;
    // Lacks the fields of the introspection.
    const definition = isTypeName ? TypeNameMetaFieldDef : parentType.getFields()[fieldName];
    if (!definition) return null;
    const content = this.#planContent(getContentType(definition.type), nodes);
    if (!content) return null;
    const nullable = getNullableType(definition.type);
    return {
      name,
      key: `${JSON.stringify(name)}:`,
      nodes,
      parentType,
      definition,
      constant: isTypeName ? JSON.stringify(parentType.name) : null,
      isNonNull: isNonNullType(definition.type),
      isList: isListType(nullable),
      isItemNonNull: isListType(nullable) && isNonNullType(nullable.ofType),
      ...content,
    };
  }

  #planContent(
    type: GraphQLOutputType,
    nodes: readonly FieldNode[],
  ): Pick<PlannedField, 'writeLeaf' | 'fields'> | null {
    if (isLeafType(type)) return { writeLeaf: createLeafWriter(type), fields: [] };
    if (!isObjectType(type) || type.isTypeOf) return null;
    const fields = this.#plan(type, collectSubfields(this.schema, this.fragments, {}, type, nodes));
    return fields && { writeLeaf: null, fields };
  }
}

/** Returns the nullable type of the value, or of the items of a list. */
function getContentType(type: GraphQLOutputType): GraphQLOutputType {
  const nullable = getNullableType(type);
  return isListType(nullable) ? (getNullableType(nullable.ofType) as GraphQLOutputType) : nullable;
}
