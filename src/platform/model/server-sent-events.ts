import { StringDecoder } from 'node:string_decoder';

/** The longest event that is held until it is whole, in characters. */
const LONGEST_EVENT = 1_000_000;

/**
 * Reads the data of Server-Sent Events (HTML Living Standard, 9.2) from bytes as they come. Names, ids and retry times
 * are passed over: chat completions have none.
 */
export class ServerSentEventReader {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #data: string | null = null;
  #isFirst = true;

  /** @param onData called with each event's data, its lines joined by newlines */
  constructor(private readonly onData: (data: string) => void) {}

  /** @throws Error for an event that is too long. */
  write(bytes: Buffer): void {
    let text = this.#rest + this.#decoder.write(bytes);
    if (this.#isFirst && text !== '') {
      this.#isFirst = false;
      if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1);
    }
    let from = 0;
    for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
      this.#line(text.slice(from, text.charCodeAt(to - 1) === CARRIAGE_RETURN && to > from ? to - 1 : to));
      from = to + 1;
    }
    this.#rest = text.slice(from);
    if (this.#rest.length + (this.#data?.length ?? 0) > LONGEST_EVENT) throw new Error('An event is too long.');
  }

  #line(line: string): void {
    if (line === '') {
      const data = this.#data;
      this.#data = null;
      if (data !== null) this.onData(data);
    } else if (line.startsWith('data:')) {
      const value = line.slice(line.charCodeAt(5) === SPACE ? 6 : 5);
      this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    }
  }
}

const CARRIAGE_RETURN = 13;
const SPACE = 32;
const BYTE_ORDER_MARK = 0xfeff;
