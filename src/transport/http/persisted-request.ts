import { hasDocumentId, type PersistedDocuments } from '../documents/persisted-documents.js';
import type { OperationRequest } from './operation-request.js';

/** An operation as Apollo Server reads it, without the id of a persisted document. */
export interface ResolvedOperation {
  query: string;
  body: Record<string, unknown>;
  /** The query string. */
  search: string;
}

/**
 * Replaces the id of a persisted document by its text.
 * @param search the query string, which contains the operation of a GET request
 * @throws ApiError if the document is unknown
 */
export function resolveDocument(
  documents: PersistedDocuments,
  method: 'GET' | 'POST',
  operation: OperationRequest,
  search: string,
): ResolvedOperation {
  const query = documents.resolve(operation);
  if (method === 'POST') {
    const { documentId: _, ...rest } = operation;
    return { query, body: { ...rest, query, ...getOtherExtensions(operation) }, search };
  }
  if (!hasDocumentId(operation)) return { query, body: {}, search };
  const parameters = new URLSearchParams(search);
  parameters.set('query', query);
  parameters.delete('documentId');
  const { extensions } = getOtherExtensions(operation);
  if (extensions) parameters.set('extensions', JSON.stringify(extensions));
  return { query, body: {}, search: `?${parameters.toString()}` };
}

function getOtherExtensions({ extensions }: OperationRequest): { extensions?: Record<string, unknown> } {
  if (!extensions) return {};
  const { persistedQuery: _, ...others } = extensions;
  return { extensions: others };
}
