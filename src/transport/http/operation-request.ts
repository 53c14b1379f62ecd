import type { IncomingMessage } from 'node:http';
import { ErrorReason } from '../../platform/errors/error-code.js';
import { estimateOperationBytes } from '../connections/operation-size.js';
import { tooLargeInProgress } from '../connections/held-operations.js';
import { hasDocumentId } from '../documents/persisted-documents.js';
import { readJsonBody, type BodyLimits } from './request-body.js';
import { badRequest, RequestError } from './request-error.js';
import { isRecord } from '../../platform/json/is-record.js';

/** The parameters of a GraphQL request (GraphQL over HTTP, 5.1). */
export interface OperationRequest {
  /** Missing only if an id names the document. */
  query?: string;
  /** GraphQL over HTTP, appendix on persisted documents. */
  documentId?: string | null;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
  extensions?: Record<string, unknown> | null;
}

/**
 * Reads the operation of a GET or POST request. Its counter then counts the memory of the operation, which may be many
 * times that of the body, until it is disposed of.
 * @throws RequestError with status 400, 405, 413, 415 or 429
 */
export async function readOperation(request: IncomingMessage, limits: BodyLimits): Promise<OperationRequest> {
  const operation = await read(request, limits);
  const { counter } = limits;
  counter.reset();
  if (counter.add(estimateOperationBytes(operation))) return operation;
  throw new RequestError(tooLargeInProgress());
}

async function read(request: IncomingMessage, limits: BodyLimits): Promise<OperationRequest> {
  const { method, url } = request;
  if (method === 'POST') return check(await readJsonBody(request, limits));
  const { searchParams } = new URL(url!, 'http://localhost');
  return check({
    query: searchParams.get('query') ?? undefined,
    documentId: searchParams.get('documentId'),
    operationName: searchParams.get('operationName'),
    variables: parse('variables', searchParams.get('variables')),
    extensions: parse('extensions', searchParams.get('extensions')),
  });
}

/**
 * Returns the parameters only: anything else would be kept for as long as the operation is in progress. JSON has no other
 * types than those that are distinguished here.
 */
function check(given: unknown): OperationRequest {
  if (Array.isArray(given)) throw badRequest('body', 'Must be one operation.', { reason: ErrorReason.BATCHING });
  if (!isRecord(given)) throw badRequest('body', 'Must be a JSON object.');
  const { query, documentId, operationName, variables, extensions } = given;
  if (query != null && typeof query !== 'string') throw badRequest('query', 'Must be a string.');
  if (documentId != null && typeof documentId !== 'string') throw badRequest('documentId', 'Must be a string.');
  if (operationName != null && typeof operationName !== 'string')
    throw badRequest('operationName', 'Must be a string.');
  if (variables != null && !isRecord(variables)) throw badRequest('variables', 'Must be an object.');
  if (extensions != null && !isRecord(extensions)) throw badRequest('extensions', 'Must be an object.');
  if (!query && !hasDocumentId(given)) throw badRequest('query', 'This field is required.');
  return { query, documentId, operationName, variables, extensions } as OperationRequest;
}

function parse(name: string, json: string | null): unknown {
  if (json === null) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    throw badRequest(name, 'Must be valid JSON.');
  }
}
