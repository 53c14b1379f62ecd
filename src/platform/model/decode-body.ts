import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** Emits what is decoded as soon as it arrives, instead of whole blocks. */
const FLUSH = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };

const DECODERS = new Map<string, () => Transform>([
  ['gzip', () => createGunzip(FLUSH)],
  ['x-gzip', () => createGunzip(FLUSH)],
  ['deflate', () => createInflate(FLUSH)],
  ['br', () => createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH })],
]);

/** Returns the decoded body of a response. Parley does not request compression, but some proxies compress anyway. */
export function decodeBody(response: IncomingMessage): Readable {
  const createDecoder = DECODERS.get(response.headers['content-encoding']?.trim().toLowerCase() ?? '');
  if (!createDecoder) return response;
  // An error of either stream destroys both; the reader receives it from the decoder.
  return pipeline(response, createDecoder(), () => {});
}
