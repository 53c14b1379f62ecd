import type { DocumentNode, ExecutionResult } from 'graphql';
import type { RenderableEvent, Specimen } from '../../platform/graphql/renderable-event.js';
import { hasVariableConditions } from '../documents/conditions.js';
import { ResultTemplate } from './result-template.js';

/** Templates by the class of their events. */
export type Templates = ReadonlyMap<unknown, ResultTemplate>;

/** Those of documents whose results are the same for all variables, by the name of the operation; null for the others. */
const known = new WeakMap<DocumentNode, Map<string, Templates> | null>();

/**
 * Returns the templates of an operation, or null when a result cannot be rendered. The specimens are executed once for
 * each operation of a document that is kept, because a renderable event depends neither on arguments nor on the context;
 * only a directive can make its result depend on variables.
 */
export async function findTemplates<E extends RenderableEvent>(
  { document, operationName }: { document: DocumentNode; operationName?: string | null | undefined },
  specimens: readonly Specimen<E>[],
  execute: (event: E) => Promise<ExecutionResult>,
): Promise<Templates | null> {
  let ofDocument = known.get(document);
  if (ofDocument === undefined) {
    ofDocument = hasVariableConditions(document) ? null : new Map<string, Templates>();
    known.set(document, ofDocument);
  }
  const existing = ofDocument?.get(operationName ?? '');
  if (existing) return existing;
  const templates = new Map<unknown, ResultTemplate>();
  for (const specimen of specimens) {
    const template = await ResultTemplate.create(specimen, execute);
    if (!template) return null;
    templates.set(specimen.event.constructor, template as unknown as ResultTemplate);
  }
  ofDocument?.set(operationName ?? '', templates);
  return templates;
}
