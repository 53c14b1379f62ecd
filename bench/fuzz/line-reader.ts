import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Calls `onLine` for each complete line that is written to it. */
export class LineReader extends Writable {
  readonly #decoder = new StringDecoder();
  #rest = '';

  constructor(private readonly onLine: (line: string) => void) {
    super();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.onLine(line);
    done();
  }
}
