import type { Readable } from 'node:stream';
import { ModelError, type Completion } from './chat-model.js';
import type { CompletionReader } from './completion-reader.js';
import { EventStreamReader } from './event-stream-reader.js';
import { toModelError } from './openai-errors.js';
import { Watchdog } from './watchdog.js';

/** How long usage and `[DONE]` are awaited after a finish reason. */
const ENDING_TIMEOUT_MS = 2_000;

/** How long a connection may stay open after `[DONE]` before it is closed. */
const LINGER_TIMEOUT_MS = 1_000;

/** A document that is sent instead of a stream is rejected when it is longer than this. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;

/**
 * Reads the body of a response to its end.
 *
 * 1. Output arrives under a watchdog of silence: the SDK's timeout ends with the response's headers.
 * 2. After a finish reason the answer is decided; usage and `[DONE]` may follow for a moment, and errors do not count.
 * 3. The result is settled before the body is destroyed: 'data' events that are queued still arrive after that.
 *
 * @throws ModelError if the answer is not complete; the signal's reason if it is aborted
 */
export function readCompletion(
  body: Readable,
  reader: CompletionReader,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Completion> {
  const { promise, resolve, reject } = Promise.withResolvers<Completion>();
  let isSettled = false;
  let endingTimer: NodeJS.Timeout | null = null;
  let document: Buffer[] | null = null;
  let documentBytes = 0;
  let beginning: Buffer | null = Buffer.alloc(0);

  const settle = (error?: unknown) => {
    if (isSettled) return;
    isSettled = true;
    reader.end();
    const fail = (failure: unknown) => reject(signal.aborted ? signal.reason : withUsage(failure, reader));
    if (error !== undefined && !reader.isEnding) fail(error);
    else {
      try {
        resolve(reader.complete());
      } catch (failure) {
        fail(failure);
      }
    }
    watchdog[Symbol.dispose]();
    if (endingTimer) clearTimeout(endingTimer);
    signal.removeEventListener('abort', abort);
    if (reader.isDone && !reader.isCut) drain(body);
    else body.destroy();
  };
  const abort = () => settle(signal.reason);
  const watchdog = new Watchdog(timeoutMs, settle);

  const onProgress = () => {
    watchdog.feed();
    if (!reader.isEnding || reader.isFinishReasonUnreliable) {
      if (endingTimer) clearTimeout(endingTimer);
      endingTimer = null;
    } else if (endingTimer) endingTimer.refresh();
    else endingTimer = setTimeout(settle, ENDING_TIMEOUT_MS);
  };
  const events = new EventStreamReader((event) => {
    if (!isSettled && reader.read(event)) onProgress();
  });
  const write = (bytes: Buffer) => {
    if (beginning) {
      beginning = Buffer.concat([beginning, bytes]);
      const form = recognize(beginning);
      if (form === 'unknown') return;
      if (form === 'document') document = [];
      bytes = beginning;
      beginning = null;
    }
    if (document === null) return events.write(bytes);
    documentBytes += bytes.length;
    if (documentBytes > MAX_DOCUMENT_BYTES) throw new Error('The response is too long.');
    document.push(bytes);
  };

  body.on('data', (bytes: Buffer) => {
    if (isSettled) return;
    try {
      write(bytes);
      // Some servers keep the connection open after the last event.
      if (reader.isDone || reader.isCut) settle();
    } catch (error) {
      settle(error);
    }
  });
  body.once('end', () => {
    try {
      if (document) reader.readDocument(Buffer.concat(document).toString('utf8'));
      settle();
    } catch (error) {
      settle(error);
    }
  });
  body.on('error', settle);
  body.once('close', () =>
    settle(new ModelError('PROVIDER_UNAVAILABLE', 'The connection was closed before the answer was complete.')),
  );
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return promise;
}

/** A document begins with less white space than this. */
const MAX_WHITE_SPACE = 64;

/** Tells from the first bytes of a body what it is: a line of an event stream never begins with a brace. */
function recognize(bytes: Buffer): 'document' | 'events' | 'unknown' {
  // In Latin-1, so that a byte order mark may be incomplete.
  const text = bytes.subarray(0, MAX_WHITE_SPACE).toString('latin1');
  if (/^(\xef\xbb\xbf)?[ \t\r\n]*[{[]/.test(text)) return 'document';
  const isUndecided = /^(\xef?|\xef\xbb|(\xef\xbb\xbf)?[ \t\r\n]*)$/.test(text);
  return isUndecided && bytes.length < MAX_WHITE_SPACE ? 'unknown' : 'events';
}

/** A failed call may have been paid for. */
function withUsage(failure: unknown, { usage }: CompletionReader): ModelError {
  const error = toModelError(failure);
  return error.usage ? error : error.withUsage(usage);
}

/** Reads what follows `[DONE]`, which fits in one read, so that the connection can be reused. */
function drain(body: Readable): void {
  const timer = setTimeout(() => body.destroy(), LINGER_TIMEOUT_MS).unref();
  body.once('close', () => clearTimeout(timer));
  body.resume();
}
