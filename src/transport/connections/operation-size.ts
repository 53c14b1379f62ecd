import type { DocumentNode } from 'graphql';
import { getTextLength } from '../documents/document-size.js';

/** The parts of an operation that are kept until it ends: the message of the client, and what was parsed from it. */
export interface ReceivedOperation {
  /** The id by which the client knows the operation on its connection. */
  id?: unknown;
  query?: string | null;
  documentId?: string | null;
  /** Missing if it is invalid. */
  document?: DocumentNode;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
  extensions?: Record<string, unknown> | null;
}

/** Estimates: what an operation costs beside its texts, a number or a boolean, and an object or a list. */
const OPERATION_BYTES = 1_000;
const SCALAR_BYTES = 16;
const CONTAINER_BYTES = 64;

/**
 * Estimates the memory of an operation in bytes, without the syntax tree of its document. Counts the variables that the
 * document does not declare as well, because the message is kept as a whole.
 */
export const estimateOperationBytes = ({ query, document, ...rest }: ReceivedOperation): number =>
  OPERATION_BYTES + (document ? getTextLength(document) : (query?.length ?? 0)) + estimateBytes(rest);

/** Estimates the memory of a value from JSON. Not recursive, because a client decides how deeply it is nested. */
function estimateBytes(root: unknown): number {
  let bytes = 0;
  const rest = [root];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string') bytes += SCALAR_BYTES + value.length;
    else if (typeof value !== 'object' || value === null) bytes += SCALAR_BYTES;
    else {
      bytes += CONTAINER_BYTES;
      for (const [name, child] of Object.entries(value)) {
        if (!Array.isArray(value)) bytes += name.length;
        rest.push(child);
      }
    }
  }
  return bytes;
}
