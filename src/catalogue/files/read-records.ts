import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { readFeed } from './feed.js';
import { readJsonLines } from './json-lines.js';
import type { FileRecord } from './record.js';
import { readTable } from './table.js';

const HEAD_BYTES = 65_536;

/** The file has no form that is known. */
export class UnknownFormatError extends Error {}

/**
 * Reads the products of a file in UTF-8, whose form is recognized by its content: CSV or TSV with a header, JSON lines, or
 * a feed of the Google Merchant Center in XML.
 * @param onBytes called with the number of bytes that were read since the last call
 * @throws UnknownFormatError
 */
export async function* readRecords(path: string, onBytes: (count: number) => void): AsyncGenerator<FileRecord> {
  const read = chooseReader(await readHead(path));
  const stream = createReadStream(path);
  stream.on('data', (chunk) => onBytes(chunk.length));
  try {
    yield* read(stream);
  } finally {
    stream.destroy();
  }
}

async function readHead(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return new TextDecoder().decode(buffer.subarray(0, bytesRead)).trimStart();
}

function chooseReader(head: string): (stream: Readable) => AsyncIterable<FileRecord> {
  if (head.startsWith('<')) return readFeed;
  if (head.startsWith('{')) return readJsonLines;
  const header = head.split(/[\r\n]/, 1)[0]!;
  const delimiter = ['\t', ';', ','].find((each) => header.includes(each));
  if (delimiter === undefined)
    throw new UnknownFormatError(
      'The file is neither CSV or TSV with a header, nor JSON lines, nor an XML feed. A JSON array must be written as one object per line.',
    );
  return (stream) => readTable(stream, delimiter);
}
