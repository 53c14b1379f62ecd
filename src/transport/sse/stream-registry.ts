import { randomUUID } from 'node:crypto';
import type { Viewer } from '../../platform/graphql/context.js';
import type { OperationCounter } from '../connections/operation-limits.js';
import type { ReceivedOperation } from '../connections/operation-size.js';
import type { TransportLimits } from '../connections/transport-limits.js';
import { RateLimitedError } from '../../platform/errors/api-error.js';
import { STALL_TIMEOUT_MS } from '../subscriptions/backpressure-writer.js';
import type { StreamTarget } from './stream-request.js';

/** The streams that one session may have at this instance, reserved or open. */
const MAX_STREAMS_PER_SESSION = 20;

/** Advice when to try again. */
const RETRY_AFTER_SECONDS = 5;

interface Stream {
  sessionId: string;
  /** Null until the stream is opened. */
  target: StreamTarget | null;
  countOperation: OperationCounter;
  countRefusal: OperationCounter;
  /** Counts as a connection until the stream is opened, which has one. */
  reservation: Disposable;
  expiry: NodeJS.Timeout;
}

/** The streams of the single connection mode at this instance. PUT reserves a stream, GET opens it, and POST feeds it. */
export class StreamRegistry implements Disposable {
  readonly #streams = new Map<string, Stream>();

  constructor(private readonly limits: Pick<TransportLimits, 'connections' | 'operations'>) {}

  /**
   * Returns the token of a new stream.
   * @param onExpire called when the stream is not opened in time
   * @throws RateLimitedError when the session has too many streams, or its address too many connections
   */
  reserve({ sessionId, address }: Viewer, onExpire: (token: string) => void): string {
    const streams = [...this.#streams.values()].filter((stream) => stream.sessionId === sessionId);
    if (streams.length >= MAX_STREAMS_PER_SESSION) {
      throw new RateLimitedError(
        RETRY_AFTER_SECONDS,
        `A session may have ${MAX_STREAMS_PER_SESSION} event streams; close one first.`,
      );
    }
    const { connections, operations } = this.limits;
    const reservation = connections.reserve(address);
    const token = randomUUID();
    this.#streams.set(token, {
      sessionId,
      target: null,
      countOperation: operations.createConnection(address),
      countRefusal: operations.createConnection(address),
      reservation,
      expiry: setTimeout(onExpire, STALL_TIMEOUT_MS, token).unref(),
    });
    return token;
  }

  /** Gives a reserved stream its response; false when the session has no stream with this token, or it is open already. */
  open(sessionId: string, token: string, target: StreamTarget): boolean {
    const stream = this.#streams.get(token);
    if (!stream || stream.sessionId !== sessionId || stream.target) return false;
    stream.target = target;
    clearTimeout(stream.expiry);
    stream.reservation[Symbol.dispose]();
    return true;
  }

  remove(token: string): void {
    this.#streams.get(token)?.reservation[Symbol.dispose]();
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
  openOperation(token: string, operation: ReceivedOperation): Disposable | undefined {
    return this.#streams.get(token)?.countOperation(operation);
  }

  /** Counts an operation that is refused until its errors are sent. @throws RateLimitedError */
  openRefusal(token: string, operation: ReceivedOperation): Disposable | undefined {
    return this.#streams.get(token)?.countRefusal(operation);
  }

  [Symbol.dispose](): void {
    for (const { expiry } of this.#streams.values()) clearTimeout(expiry);
  }
}
