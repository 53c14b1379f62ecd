import type { MessagePartsFragment } from './generated/graphql.js';

/** The part of a graphql-ws or graphql-sse client that is needed: both fit. */
export interface SubscribingClient {
  subscribe(
    payload: { query: string; variables: Record<string, unknown> },
    sink: {
      // As loose as the two clients' types need.
      next(result: never): void;
      error(error: unknown): void;
      complete(): void;
    },
  ): () => void;
}

export interface FollowAnswerOptions {
  /** Where to begin: the length of the text that you have, in UTF-16 code units. 0 unless given. */
  offset?: number;
  /** Your text up to `offset`, so that `onText` is given the whole of it; where it is left out, spaces stand for it. */
  text?: string;
  /** Called each time that there is more: with the whole text so far, and with what was added to it and where. */
  onText?: (text: string, delta: { offset: number; text: string }) => void;
  /** Ends the following; the promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Why an answer cannot be followed: errors that no other try would mend, as the server told them. */
export class FollowAnswerError extends Error {
  constructor(
    message: string,
    readonly errors: readonly ServerError[] = [],
  ) {
    super(message);
    this.name = 'FollowAnswerError';
  }
}

interface ServerError {
  message: string;
  extensions?: { code?: unknown };
}

interface Result {
  data?: { answerStream: Event } | null;
  errors?: readonly ServerError[];
}

type Event =
  | { __typename: 'AnswerDelta'; offset: number; text: string }
  | { __typename: 'AnswerFinished'; answer: MessagePartsFragment };

const QUERY = `subscription FollowAnswer($answerId: ID!, $offset: Int!) {
  answerStream(answerId: $answerId, offset: $offset) {
    __typename
    ... on AnswerDelta { offset text }
    ... on AnswerFinished { answer {
      id role content status error { code message retryable } model
      usage { promptTokens completionTokens totalTokens estimated } createdAt finishedAt
    } }
  }
}`;

/** What may be mended by coming back: a fresh token, a server that has restarted. */
const PASSING: ReadonlySet<unknown> = new Set([
  'UNAUTHENTICATED',
  'UNAVAILABLE',
  'RATE_LIMITED',
  'INTERNAL_SERVER_ERROR',
]);

/** Tries in a row without any news before it gives up. */
const MOST_TRIES = 20;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;

/**
 * Follows an answer to its end, and resolves with the stored one: across lost sockets, restarts of the server, and
 * tokens that expire, each time from where the text stands. Give the client's `connectionParams` (or `headers`) as a
 * function that answers with a fresh token.
 * @throws FollowAnswerError for an answer that is not yours or has been deleted, or after 20 tries without any news.
 */
export async function followAnswer(
  client: SubscribingClient,
  answerId: string,
  { offset = 0, text = '', onText, signal }: FollowAnswerOptions = {},
): Promise<MessagePartsFragment> {
  const state: State = { text: text.padEnd(offset).slice(0, offset), news: false };
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    const outcome = await followOnce(client, answerId, state, onText, signal);
    if (outcome.kind === 'finished') return outcome.answer;
    if (state.news) tries = 1;
    state.news = false;
    if (tries >= MOST_TRIES)
      throw new FollowAnswerError('The server has not been reached for too long.', outcome.errors);
    await pause(Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries), signal);
  }
}

interface State {
  text: string;
  /** Whether anything has arrived since the last try. */
  news: boolean;
}

type Outcome = { kind: 'finished'; answer: MessagePartsFragment } | { kind: 'lost'; errors: readonly ServerError[] };

/** One subscription: to the answer's end, or until it is lost. */
function followOnce(
  client: SubscribingClient,
  answerId: string,
  state: State,
  onText: FollowAnswerOptions['onText'],
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let finished: MessagePartsFragment | null = null;
    const variables = {
      answerId,
      // Read whenever it is sent: also when the client itself subscribes again after a lost connection.
      get offset() {
        return state.text.length;
      },
    };
    let unsubscribe: (() => void) | null = null;
    let settled = false;
    /** Once: what the client still says afterwards is not listened to. */
    const settle = (act: () => void) => {
      if (settled) return;
      settled = true;
      signal?.removeEventListener('abort', abort);
      // Not from inside of `next`: graphql-ws lets go twice of what is left there and completed by the very next message.
      if (unsubscribe) queueMicrotask(unsubscribe);
      act();
    };
    const lost = (errors: readonly ServerError[]) => settle(() => resolve({ kind: 'lost', errors }));
    const fail = (errors: readonly ServerError[]) => {
      if (errors.every(({ extensions }) => PASSING.has(extensions?.code))) lost(errors);
      else settle(() => reject(new FollowAnswerError(errors[0]!.message, errors)));
    };
    const abort = () => settle(() => reject(asError(signal!.reason)));
    signal?.addEventListener('abort', abort);

    const stop = client.subscribe(
      { query: QUERY, variables },
      {
        next({ data, errors }: Result) {
          if (settled) return;
          if (errors) return fail(errors);
          state.news = true;
          const event = data!.answerStream;
          if (event.__typename === 'AnswerFinished') {
            finished = event.answer;
            return;
          }
          state.text = state.text.slice(0, event.offset) + event.text;
          try {
            onText?.(state.text, { offset: event.offset, text: event.text });
          } catch (error) {
            // Thrown on, it would close the socket, which others share.
            settle(() => reject(asError(error)));
          }
        },
        error(error) {
          // GraphQL errors come as a list; anything else is a lost connection.
          if (Array.isArray(error)) fail(error as ServerError[]);
          else lost([]);
        },
        complete() {
          settle(() => {
            if (finished) resolve({ kind: 'finished', answer: finished });
            else reject(new FollowAnswerError('The answer was deleted, or the client was closed, before its end.'));
          });
        },
      },
    );
    // Settled while it subscribed, such as by an abort in one of the client's listeners.
    if (settled) stop();
    else unsubscribe = stop;
  });
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done);
  });
}
