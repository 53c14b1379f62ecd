import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { BadUserInputError } from '../../platform/errors/api-error.js';
import { MAX_DOCUMENT_LENGTH } from './document-limits.js';
import {
  PersistedQueryNotFoundError,
  PersistedQueryNotSupportedError,
  UntrustedDocumentError,
} from './persisted-document.errors.js';
import { isRecord } from '../../platform/json/is-record.js';

/** A request for an operation, whose document is a text, or named by an id. */
export interface DocumentRequest {
  query?: unknown;
  /** GraphQL over HTTP, appendix on persisted documents: `sha256:HASH`. The hash alone is accepted as well. */
  documentId?: unknown;
  /** Apollo's protocol: `persistedQuery: { version: 1, sha256Hash }`. */
  extensions?: unknown;
}

export interface PersistedDocuments {
  /**
   * Returns the text of the document.
   * @throws ApiError if the request does not contain it, and its id is unknown or invalid
   */
  resolve(request: DocumentRequest): string;
}

const MAX_DOCUMENTS = 1_000;
const MAX_BYTES = 10_000_000;
const BYTES_PER_CODE_UNIT = 2;

/** Remembers the documents that clients have sent with their hash, in this process; they then send the hash only. */
export class AutomaticPersistedQueries implements PersistedDocuments {
  readonly #documents = new LRUCache<string, string>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_BYTES,
    sizeCalculation: (text) => text.length * BYTES_PER_CODE_UNIT,
  });

  resolve(request: DocumentRequest): string {
    const id = readDocumentId(request);
    const text = readText(request);
    if (id === null) return text ?? throwMissing();
    if (text === null) {
      const document = this.#documents.get(id);
      if (document === undefined) throw new PersistedQueryNotFoundError();
      return document;
    }
    if (id !== sha256(text))
      throw new BadUserInputError({ sha256Hash: 'Must be the SHA-256 hash of the query, in hex.' });
    if (text.length <= MAX_DOCUMENT_LENGTH) this.#documents.set(id, text);
    return text;
  }
}

/** Runs the documents of a manifest only. A text is accepted if its hash is in the manifest. */
export class TrustedDocuments implements PersistedDocuments {
  /** @param manifest the texts by their ids */
  constructor(private readonly manifest: ReadonlyMap<string, string>) {}

  resolve(request: DocumentRequest): string {
    const text = readText(request);
    const id = readDocumentId(request) ?? (text === null ? throwMissing() : sha256(text));
    const document = this.manifest.get(id);
    if (document === undefined) throw new UntrustedDocumentError();
    return document;
  }
}

/** Whether a request names its document by an id. */
export const hasDocumentId = ({ documentId, extensions }: DocumentRequest): boolean =>
  documentId != null || (isRecord(extensions) && extensions['persistedQuery'] != null);

function readDocumentId({ documentId, extensions }: DocumentRequest): string | null {
  if (documentId != null) {
    if (typeof documentId !== 'string') throw new BadUserInputError({ documentId: 'Must be a string.' });
    return toHash(documentId);
  }
  const persisted = isRecord(extensions) ? extensions['persistedQuery'] : null;
  if (persisted == null) return null;
  if (!isRecord(persisted)) throw new BadUserInputError({ persistedQuery: 'Must be an object.' });
  if (persisted['version'] !== 1) throw new PersistedQueryNotSupportedError();
  const hash = persisted['sha256Hash'];
  if (typeof hash !== 'string') throw new BadUserInputError({ sha256Hash: 'Must be a string.' });
  return toHash(hash);
}

const toHash = (id: string): string => id.replace(/^sha256:/, '');

/** Null if the request has no text. A protocol that requires one is given an empty one. */
function readText({ query }: DocumentRequest): string | null {
  if (query == null || query === '') return null;
  if (typeof query !== 'string') throw new BadUserInputError({ query: 'Must be a string.' });
  return query;
}

function throwMissing(): never {
  throw new BadUserInputError({ query: 'This field is required.' });
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
