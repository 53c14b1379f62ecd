import { randomUUID } from 'node:crypto';
import { STALL_TIMEOUT_MS } from '../subscriptions/backpressure-writer.js';
import type { StreamTarget } from './stream-request.js';

/** The streams that one session may have at this instance, reserved or open. */
const MAX_STREAMS_PER_SESSION = 20;

interface Stream {
  sessionId: string;
  /** Null until the stream is opened. */
  target: StreamTarget | null;
  /** Counts an operation of the stream until it is disposed of. */
  openOperation: () => Disposable;
  /** Counts an operation that is refused in the same way. */
  openRefusal: () => Disposable;
  expiry: NodeJS.Timeout;
}

/** The streams of the single connection mode at this instance. PUT reserves a stream, GET opens it, and POST feeds it. */
export class StreamRegistry implements Disposable {
  readonly #streams = new Map<string, Stream>();

  /**
   * Returns the token of a new stream; null when the session has too many streams.
   * @param createCounter creates a counter for the operations of the stream
   * @param onExpire called when the stream is not opened in time
   */
  reserve(sessionId: string, createCounter: () => () => Disposable, onExpire: (token: string) => void): string | null {
    const streams = [...this.#streams.values()].filter((stream) => stream.sessionId === sessionId);
    if (streams.length >= MAX_STREAMS_PER_SESSION) return null;
    const token = randomUUID();
    const expiry = setTimeout(onExpire, STALL_TIMEOUT_MS, token).unref();
    const [openOperation, openRefusal] = [createCounter(), createCounter()];
    this.#streams.set(token, { sessionId, target: null, openOperation, openRefusal, expiry });
    return token;
  }

  /** Gives a reserved stream its response; false when the session has no stream with this token, or it is open already. */
  open(sessionId: string, token: string, target: StreamTarget): boolean {
    const stream = this.#streams.get(token);
    if (!stream || stream.sessionId !== sessionId || stream.target) return false;
    stream.target = target;
    clearTimeout(stream.expiry);
    return true;
  }

  remove(token: string): void {
    this.#streams.delete(token);
  }

  isOwnedBy(sessionId: string, token: string): boolean {
    return this.#streams.get(token)?.sessionId === sessionId;
  }

  /** Null when the stream is not open yet, or is closed. */
  getTarget(token: string): StreamTarget | null {
    return this.#streams.get(token)?.target ?? null;
  }

  /** Counts an operation of a stream until it is disposed of. @throws RateLimitedError */
  openOperation(token: string): Disposable | undefined {
    return this.#streams.get(token)?.openOperation();
  }

  /** Counts an operation that is refused until its errors are sent. @throws RateLimitedError */
  openRefusal(token: string): Disposable | undefined {
    return this.#streams.get(token)?.openRefusal();
  }

  [Symbol.dispose](): void {
    for (const { expiry } of this.#streams.values()) clearTimeout(expiry);
  }
}
