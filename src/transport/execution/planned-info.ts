import type { GraphQLResolveInfo, ResponsePath } from 'graphql';
import type { OperationPlan, PlannedField } from './operation-plan.js';

/** What all fields of an execution have in common. */
export type ExecutionFacts = Pick<GraphQLResolveInfo, 'schema' | 'variableValues'> & { readonly plan: OperationPlan };

/** The `info` argument of resolvers. Hardly any resolver reads it, so its properties are computed when they are read. */
export class PlannedInfo implements GraphQLResolveInfo {
  readonly #execution: ExecutionFacts;
  readonly #field: PlannedField;
  readonly #parentPath: ResponsePath | undefined;

  constructor(execution: ExecutionFacts, field: PlannedField, parentPath: ResponsePath | undefined) {
    this.#execution = execution;
    this.#field = field;
    this.#parentPath = parentPath;
  }

  get fieldName() {
    return this.#field.definition.name;
  }

  get fieldNodes() {
    return this.#field.nodes;
  }

  get returnType() {
    return this.#field.definition.type;
  }

  get parentType() {
    return this.#field.parentType;
  }

  get path(): ResponsePath {
    const { name, parentType } = this.#field;
    return { prev: this.#parentPath, key: name, typename: parentType.name };
  }

  get schema() {
    return this.#execution.schema;
  }

  get fragments() {
    return this.#execution.plan.fragments;
  }

  /** Queries and mutations have none. */
  get rootValue() {
    return undefined;
  }

  get operation() {
    return this.#execution.plan.operation;
  }

  get variableValues() {
    return this.#execution.variableValues;
  }
}
