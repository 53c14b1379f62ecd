import {
  getOperationAST,
  getVariableValues,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { createPlan, type OperationPlan } from './operation-plan.js';
import { PlannedExecution } from './planned-execution.js';

/** As many as documents are cached. Bounds the small ones, whose syntax trees take far more than their texts. */
const MAX_PLANS = 500;

/** The maximum memory of the plans that are kept, with their documents. */
const MAX_KEPT_BYTES = 10_000_000;

/** Estimates: what a field of a plan costs, and a document for each code unit of its text. */
const BYTES_PER_FIELD = 400;
const BYTES_PER_CODE_UNIT = 12;

export interface PlannedRequest {
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables?: Record<string, unknown> | null | undefined;
  contextValue: unknown;
}

/** Prepares operations of valid documents by plans, of which it keeps those that were used last. */
export class OperationPlans {
  readonly #plans = new LRUCache<OperationDefinitionNode, { plan: OperationPlan | null }>({
    max: MAX_PLANS,
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: ({ plan }, { loc }) =>
      ((plan?.size ?? 0) + 1) * BYTES_PER_FIELD + (loc?.source.body.length ?? 0) * BYTES_PER_CODE_UNIT,
  });

  constructor(private readonly schema: GraphQLSchema) {}

  /** Returns null if graphql-js has to execute the operation: see `createPlan`. */
  prepare({ document, operationName, variables, contextValue }: PlannedRequest): PlannedExecution | null {
    const operation = getOperationAST(document, operationName);
    const plan = operation && this.#findPlan(document, operation);
    if (!plan) return null;
    const { errors, coerced } = getVariableValues(this.schema, operation.variableDefinitions ?? [], variables ?? {});
    return errors ? null : new PlannedExecution(this.schema, plan, contextValue, coerced);
  }

  #findPlan(document: DocumentNode, operation: OperationDefinitionNode): OperationPlan | null {
    let kept = this.#plans.get(operation);
    if (!kept) {
      kept = { plan: createPlan(this.schema, document, operation) };
      this.#plans.set(operation, kept);
    }
    return kept.plan;
  }
}
