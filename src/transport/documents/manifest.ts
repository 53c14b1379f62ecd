import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { parse, print } from 'graphql';
import { z } from 'zod';
import { packageRoot } from '../../platform/config/package-root.js';

/** Written by `npm run codegen`. */
const OWN_MANIFEST = join(packageRoot, 'schema/trusted-documents.json');

/** A file of trusted documents cannot be used. The message says what to do. */
export class ManifestError extends Error {
  readonly code = 'MANIFEST_UNUSABLE';
}

/** The manifests of Apollo's generate-persisted-query-manifest, and of GraphQL Code Generator and Relay. */
const format = z.union([
  z
    .object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) })
    .transform(({ operations }) => operations.map(({ id, body }): [string, string] => [id, body])),
  z.record(z.string(), z.string()).transform((documents) => Object.entries(documents)),
]);

/**
 * Reads the documents that TRUSTED_DOCUMENTS=only runs, by their ids: those of schema/operations, and those of a folder of
 * the operator's with manifests (.json) and documents (.graphql, .gql).
 * @throws ManifestError
 */
export function readManifest(folder: string | null): Map<string, string> {
  const manifest = new Map(readFile(OWN_MANIFEST));
  if (folder === null) return manifest;
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch (error) {
    throw new ManifestError(`Could not read the folder of TRUSTED_DOCUMENTS_FOLDER: ${(error as Error).message}`);
  }
  for (const file of files.sort()) for (const [id, text] of readFile(join(folder, file))) manifest.set(id, text);
  return manifest;
}

function readFile(path: string): [string, string][] {
  const type = extname(path);
  try {
    if (type === '.json') return format.parse(JSON.parse(readFileSync(path, 'utf8')));
    if (type === '.graphql' || type === '.gql') return hashDocument(readFileSync(path, 'utf8'));
    return [];
  } catch (error) {
    throw new ManifestError(`Could not read the trusted documents in ${path}: ${toReason(error)}`);
  }
}

/** Returns the text as it is, and as graphql-js prints it. */
function hashDocument(text: string): [string, string][] {
  return [text, print(parse(text))].map((each) => [createHash('sha256').update(each).digest('hex'), each]);
}

const toReason = (error: unknown): string =>
  error instanceof z.ZodError
    ? 'expected the manifest of Apollo, GraphQL Code Generator or Relay.'
    : (error as Error).message;
