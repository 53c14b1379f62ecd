import {
  getOperationAST,
  getVariableValues,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { DOCUMENT_BYTES_PER_CODE_UNIT, getTextLength, MAX_DOCUMENTS } from '../documents/document-size.js';
import { createPlan, type OperationPlan } from './operation-plan.js';
import { PlannedExecution } from './planned-execution.js';

/** The maximum memory of the plans that are kept, with their documents. */
const MAX_KEPT_BYTES = 10_000_000;

/** An estimate of what a field of a plan costs. */
const BYTES_PER_FIELD = 400;

export interface PlannedRequest {
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables?: Record<string, unknown> | null | undefined;
  contextValue: unknown;
}

/** Prepares operations of valid documents by plans, of which it keeps those that were used last. */
export class OperationPlans {
  readonly #plans = new LRUCache<OperationDefinitionNode, { plan: OperationPlan | null }>({
    // Bounds the plans of small documents, whose syntax trees take far more than their texts.
    max: MAX_DOCUMENTS,
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: ({ plan }, operation) =>
      ((plan?.size ?? 0) + 1) * BYTES_PER_FIELD + getTextLength(operation) * DOCUMENT_BYTES_PER_CODE_UNIT,
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
