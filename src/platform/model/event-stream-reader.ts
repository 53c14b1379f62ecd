import { StringDecoder } from 'node:string_decoder';
import { createParser } from 'eventsource-parser';

/** An event of a stream of Server-Sent Events. */
export interface StreamEvent {
  /** The event's name, or undefined for a plain message. */
  name: string | undefined;
  data: string;
}

/** An event is rejected when it is longer than this, in UTF-16 code units. */
const MAX_EVENT_LENGTH = 1_000_000;

/**
 * Reads Server-Sent Events (HTML Living Standard, 9.2) from bytes, however they are split. The grammar is
 * eventsource-parser's; this class adds what it leaves out: decoding and the byte order mark. It passes on all line ends
 * as LF. So an event that ends with a CR is delivered at once instead of when the next bytes show that no LF follows, and
 * the parser does not search the rest of its input for a CR at each line.
 */
export class EventStreamReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #parser;
  #isFirst = true;
  #endedWithCR = false;

  /** @param onEvent called with each event, in order; what it throws is thrown by `write` */
  constructor(onEvent: (event: StreamEvent) => void) {
    this.#parser = createParser({
      maxBufferSize: MAX_EVENT_LENGTH,
      onEvent: ({ event, data }) => onEvent({ name: event, data }),
      onError(error) {
        if (error.type === 'max-buffer-size-exceeded') throw error;
        // Older llama.cpp servers report an error inside a stream as a field of this name.
        if (error.type === 'unknown-field' && error.field === 'error') {
          onEvent({ name: 'error', data: error.value ?? '' });
        }
      },
    });
  }

  /** @throws Error if an event is too long. */
  write(bytes: Buffer): void {
    let text = this.#decoder.write(bytes);
    if (text === '') return;
    if (this.#isFirst && text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1);
    this.#isFirst = false;
    if (this.#endedWithCR && text.charCodeAt(0) === LF) text = text.slice(1);
    this.#endedWithCR = text.charCodeAt(text.length - 1) === CR;
    this.#parser.feed(text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text);
  }
}

const LF = 10;
const CR = 13;
const BYTE_ORDER_MARK = 0xfeff;
