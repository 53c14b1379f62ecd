import type { MessagePartsFragment, ShownProductPartsFragment, ToolCallPartsFragment } from './generated/graphql.js';

/** The part of a graphql-ws or graphql-sse client that followAnswer() uses. */
export interface SubscribingClient {
  subscribe(
    payload: { query: string; variables: Record<string, unknown> },
    sink: {
      // `never`, because the two clients declare different types of results.
      next(result: never): void;
      error(error: unknown): void;
      complete(): void;
    },
  ): () => void;
}

export interface FollowAnswerOptions {
  /** Where to start: the length of the text that you already have, in UTF-16 code units. Default: 0. */
  offset?: number;
  /** The text that you already have, so that `onText` gets the full text. Default: `offset` spaces. */
  text?: string;
  /**
   * Called whenever text arrives, with the full text so far and the added part with its offset. If it throws, the
   * promise rejects with its error.
   */
  onText?: (text: string, delta: { offset: number; text: string }) => void;
  /** Called like `onText` with what the model thinks before it answers, if the model says so. It begins anew after each reconnection. */
  onReasoning?: (reasoning: string, delta: { offset: number; text: string }) => void;
  /**
   * Called with each product that the answer shows, and its place in the text. After a reconnection it is called again
   * with the same `id`.
   */
  onProduct?: (mention: ShownProductPartsFragment) => void;
  /**
   * Called when a look-up of the model begins, and when it has ended. After a reconnection it is called again with the
   * same `id`.
   */
  onToolCall?: (toolCall: ToolCallPartsFragment) => void;
  /** Stops following; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** The answer cannot be followed: the server returned an error that a retry would not fix, or all retries failed. */
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
  | { __typename: 'AnswerDelta' | 'ReasoningDelta'; offset: number; text: string }
  | { __typename: 'ToolCallChanged'; toolCall: ToolCallPartsFragment }
  | { __typename: 'ProductShown'; mention: ShownProductPartsFragment }
  | { __typename: 'AnswerFinished'; answer: MessagePartsFragment };

const QUERY = `subscription FollowAnswer($answerId: ID!, $offset: Int!) {
  answerStream(answerId: $answerId, offset: $offset) {
    __typename
    ... on AnswerDelta { offset text }
    ... on ReasoningDelta { offset text }
    ... on ToolCallChanged { toolCall { ...Call } }
    ... on ProductShown { mention { ...Shown } }
    ... on AnswerFinished { answer {
      id position role content reasoning status error { code message retryable } finishReason
      toolCalls { ...Call } products { ...Shown } unverifiedClaims { offset length text } requestId model
      usage { promptTokens completionTokens totalTokens estimated } createdAt finishedAt
    } }
  }
}
fragment Shown on ProductMention {
  id offset product { sku title url imageUrl price { amount currency } available checkedAt }
}
fragment Call on ToolCall { id name state offset }`;

/** Errors that a retry may fix, for example with a fresh token or after a restart of the server. */
const RETRYABLE_CODES: ReadonlySet<unknown> = new Set([
  'UNAUTHENTICATED',
  'UNAVAILABLE',
  'RATE_LIMITED',
  'INTERNAL_SERVER_ERROR',
]);

/** Consecutive attempts that receive no event. */
const MAX_ATTEMPTS = 20;
/** Upper bounds of the random delay before a retry. The bound doubles with each attempt. */
const BASE_RETRY_DELAY_MS = 100;
const MAX_RETRY_DELAY_MS = 5_000;

/**
 * Follows an answer until it is finished and resolves with the stored message. After a lost connection, a restart of
 * the server or an expired token it subscribes again at the end of the received text. Pass the client's
 * `connectionParams` (or `headers`) as a function that returns a fresh token.
 * @throws FollowAnswerError if the answer is unknown, not yours or deleted, or after 20 attempts without an event.
 */
export async function followAnswer(
  client: SubscribingClient,
  answerId: string,
  { offset = 0, text = '', signal, ...listeners }: FollowAnswerOptions = {},
): Promise<MessagePartsFragment> {
  const progress: Progress = { text: text.padEnd(offset).slice(0, offset), reasoning: '', hasReceived: false };
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const outcome = await followOnce(client, answerId, progress, { ...listeners, signal });
    if (outcome.kind === 'finished') return outcome.answer;
    if (progress.hasReceived) attempt = 1;
    progress.hasReceived = false;
    if (attempt >= MAX_ATTEMPTS)
      throw new FollowAnswerError(`No connection to the server after ${MAX_ATTEMPTS} attempts.`, outcome.errors);
    await sleep(Math.random() * Math.min(MAX_RETRY_DELAY_MS, BASE_RETRY_DELAY_MS * 2 ** attempt), signal);
  }
}

interface Progress {
  text: string;
  reasoning: string;
  /** Whether an event has arrived since the last attempt. */
  hasReceived: boolean;
}

type Outcome = { kind: 'finished'; answer: MessagePartsFragment } | { kind: 'lost'; errors: readonly ServerError[] };

type SubscriptionState =
  /** subscribe() has not returned yet. */
  | { kind: 'subscribing' }
  | { kind: 'subscribed'; unsubscribe: () => void }
  /** The promise is settled; later events of the client are ignored. */
  | { kind: 'settled' };

/** Runs one subscription until the answer is finished or the connection is lost. */
function followOnce(
  client: SubscribingClient,
  answerId: string,
  progress: Progress,
  { onText, onReasoning, onProduct, onToolCall, signal }: Omit<FollowAnswerOptions, 'offset' | 'text'>,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let state = { kind: 'subscribing' } as SubscriptionState;
    let answer: MessagePartsFragment | null = null;
    const settle = (complete: () => void) => {
      if (state.kind === 'settled') return;
      // Not inside `next`: graphql-ws would release the subscription twice if the next message completed it.
      if (state.kind === 'subscribed') queueMicrotask(state.unsubscribe);
      state = { kind: 'settled' };
      signal?.removeEventListener('abort', abort);
      complete();
    };
    const lose = (errors: readonly ServerError[]) => settle(() => resolve({ kind: 'lost', errors }));
    const fail = (error: Error) => settle(() => reject(error));
    const handleErrors = (errors: readonly ServerError[]) => {
      if (errors.every(({ extensions }) => RETRYABLE_CODES.has(extensions?.code))) lose(errors);
      else fail(new FollowAnswerError(errors[0]!.message, errors));
    };
    const abort = () => fail(toError(signal!.reason));
    signal?.addEventListener('abort', abort);

    /** Whether text before this event was lost on its way. */
    const isAfterGap = (event: Event) => event.__typename === 'AnswerDelta' && event.offset > progress.text.length;
    const receive = (event: Exclude<Event, { __typename: 'AnswerFinished' }>) => {
      if (event.__typename === 'ProductShown') return onProduct?.(event.mention);
      if (event.__typename === 'ToolCallChanged') return onToolCall?.(event.toolCall);
      const { __typename, offset, text } = event;
      if (__typename === 'AnswerDelta') {
        progress.text = progress.text.slice(0, offset) + text;
        onText?.(progress.text, { offset, text });
      } else if (__typename === 'ReasoningDelta' && offset <= progress.reasoning.length) {
        progress.reasoning = progress.reasoning.slice(0, offset) + text;
        onReasoning?.(progress.reasoning, { offset, text });
      }
    };
    const variables = {
      answerId,
      // A getter, because the client itself may subscribe again after a lost connection.
      get offset() {
        return progress.text.length;
      },
    };
    const unsubscribe = client.subscribe(
      { query: QUERY, variables },
      {
        next({ data, errors }: Result) {
          if (state.kind === 'settled') return;
          if (errors) return handleErrors(errors);
          const event = data!.answerStream;
          if (isAfterGap(event)) return lose([]);
          progress.hasReceived = true;
          if (event.__typename === 'AnswerFinished') {
            answer = event.answer;
            return;
          }
          try {
            receive(event);
          } catch (error) {
            // If it were rethrown, graphql-ws would close the socket, which other subscriptions share.
            fail(toError(error));
          }
        },
        error(error) {
          // An array contains GraphQL errors; anything else means that the connection was lost.
          if (Array.isArray(error)) handleErrors(error as ServerError[]);
          else lose([]);
        },
        complete() {
          const finished = answer;
          if (finished) settle(() => resolve({ kind: 'finished', answer: finished }));
          else
            fail(
              new FollowAnswerError('Subscription completed before the answer was finished: the client was closed.'),
            );
        },
      },
    );
    // It may have settled inside subscribe(), for example if a listener of the client aborted the signal.
    if (state.kind === 'settled') unsubscribe();
    else state = { kind: 'subscribed', unsubscribe };
  });
}

const toError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
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
