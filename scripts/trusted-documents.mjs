/**
 * Writes schema/trusted-documents.json: the operations of schema/operations, which a server with TRUSTED_DOCUMENTS=only
 * runs. Clients name an operation by the hash of the text that they would send. The libraries print the same operation
 * differently, so the manifest contains the text of each: `npm run codegen` calls this after it has written the documents.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InMemoryCache } from '@apollo/client/cache/index.js';
import { formatDocument, stringifyDocument } from '@urql/core';
import { getOperationAST, print } from 'graphql';

const root = join(import.meta.dirname, '..');
const generated = await import('../client/src/generated/graphql.ts');
const cache = new InMemoryCache();

/** The texts that clients send, as far as they differ. */
const printers = [
  // graphql-request, graphql-ws, graphql-sse.
  print,
  // urql adds __typename if it has a cache, and prints with its own printer.
  (document) => stringifyDocument(structuredClone(document)),
  (document) => stringifyDocument(formatDocument(structuredClone(document))),
  // Apollo Client adds __typename.
  (document) => print(cache.transformDocument(document)),
  // Apollo's persisted-query-lists also sorts the definitions. The last one, because it looks up ids by the name.
  (document) => print(sortDefinitions(cache.transformDocument(document))),
];

const operations = new Map();
for (const document of Object.values(generated)) {
  const operation = getOperationAST(document);
  if (!operation) continue; // a fragment
  for (const printDocument of printers) {
    const body = printDocument(document);
    const id = createHash('sha256').update(body).digest('hex');
    // A text that is equal to an earlier one moves to the end.
    operations.delete(id);
    operations.set(id, { id, name: operation.name.value, type: operation.operation, body });
  }
}
const sorted = [...operations.values()].sort((a, b) => compare(a.name, b.name));
const manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations: sorted };
writeFileSync(join(root, 'schema/trusted-documents.json'), `${JSON.stringify(manifest, null, 2)}\n`);

/** As @apollo/persisted-query-lists does: the operation first, then the fragments by name. */
function sortDefinitions(document) {
  const byName = (a, b) => compare(b.kind, a.kind) || compare(a.name.value, b.name.value);
  return { ...document, definitions: document.definitions.toSorted(byName) };
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
