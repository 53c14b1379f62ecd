import type { Location } from 'graphql';

/** As many documents, and as many plans of operations, are cached: more than all front ends of a server use together. */
export const MAX_DOCUMENTS = 500;

/** Estimates in bytes, for each code unit of the text: of a syntax tree alone, and with the text itself. */
export const TREE_BYTES_PER_CODE_UNIT = 10;
export const DOCUMENT_BYTES_PER_CODE_UNIT = 2 + TREE_BYTES_PER_CODE_UNIT;

/** Returns the length of the text of a document, or of the document of an operation, in UTF-16 code units. */
export const getTextLength = ({ loc }: { loc?: Location | undefined }): number => loc?.source.body.length ?? 0;
