import { getOperationAST, OperationTypeNode, print, type DocumentNode } from 'graphql';
import { getRetryDelay, pause } from '../chat/retry.js';
import type { ConnectionOptions } from '../connection/open-connection.js';
import { UserConnection } from '../connection/user-connection.js';
import { ParleyError } from '../parley-error.js';
import type { Session } from '../session/session.js';
import type { MergeableMessage, MergeableToolCall } from '../chat/merge-message.js';
import { ResultMerger } from './result-merger.js';
import { findRootField } from './root-field.js';

export type Data = Record<string, unknown>;

export interface DataSink {
  next(data: Data): void;
  /** Always a ParleyError. */
  error(error: ParleyError): void;
  complete(): void;
}

interface Request {
  document: DocumentNode;
  variables: Record<string, unknown>;
}

/** What an operation selects of an event of an answer. */
interface AnswerEvent {
  __typename?: string;
  offset?: number;
  text?: string;
  toolCall?: Partial<MergeableToolCall>;
}

/** Runs the operations of a GraphQL client that has a cache, so that what the cache stores is right. */
export class CachedApi {
  readonly merger = new ResultMerger();
  readonly #connection: UserConnection;

  constructor(
    private readonly session: Session,
    options: ConnectionOptions,
  ) {
    this.#connection = new UserConnection(session, options);
  }

  close(): void {
    this.#connection.close();
  }

  /**
   * Runs an operation. A subscription begins again after a lost connection, an `answerStream` at the end of its text.
   * @param onGrown called with a message that has a longer text, or a look-up that has begun or ended
   * @returns a function that ends it
   */
  run(request: Request, sink: DataSink, onGrown: (message: MergeableMessage) => void = () => {}): () => void {
    const controller = new AbortController();
    const running =
      getOperationAST(request.document)?.operation === OperationTypeNode.SUBSCRIPTION
        ? this.#follow(request, sink, onGrown, controller.signal)
        : this.#request(request, sink, controller.signal);
    running.catch((error: unknown) => {
      if (!controller.signal.aborted) sink.error(ParleyError.from(error));
    });
    return () => controller.abort();
  }

  async #request({ document, variables }: Request, sink: DataSink, signal: AbortSignal): Promise<void> {
    const begunAt = this.merger.begin();
    const data = await this.session.request<Data, Record<string, unknown>>(document, variables, { signal });
    if (signal.aborted) return;
    sink.next(this.merger.merge(data, begunAt));
    sink.complete();
  }

  async #follow(
    { document, variables }: Request,
    sink: DataSink,
    onGrown: (message: MergeableMessage) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const answerId = findRootField(document, variables, 'answerStream')?.['answerId'];
    const query = print(document);
    const progress = { ...variables };
    for (let failures = 0; !signal.aborted; failures += 1) {
      const error = await this.#followOnce(query, progress, signal, (data) => {
        failures = 0;
        if (typeof answerId === 'string') this.#apply(answerId, data['answerStream'] as AnswerEvent, progress, onGrown);
        sink.next(this.merger.merge(data, this.merger.begin()));
      });
      if (signal.aborted) return;
      if (!error) return sink.complete();
      if (!error.isRetryable && error.code !== 'UNAUTHENTICATED') throw error;
      if (!this.session.user) throw error;
      await pause(getRetryDelay(failures), signal);
    }
  }

  #apply(
    answerId: string,
    { __typename, offset, text, toolCall }: AnswerEvent,
    progress: Record<string, unknown>,
    onGrown: (message: MergeableMessage) => void,
  ): void {
    if (toolCall?.id !== undefined) {
      const message = this.merger.changeCall(answerId, { ...toolCall, id: toolCall.id });
      if (message) onGrown(message);
    }
    if (offset === undefined || text === undefined) return;
    const isContent = __typename !== 'ReasoningDelta';
    if (isContent) progress['offset'] = offset + text.length;
    const message = this.merger.grow(answerId, isContent ? 'content' : 'reasoning', { offset, text });
    if (message) onGrown(message);
  }

  /** Subscribes once. Resolves with the error that ended it, or with null when it is complete. */
  #followOnce(
    query: string,
    variables: Record<string, unknown>,
    signal: AbortSignal,
    onData: (data: Data) => void,
  ): Promise<ParleyError | null> {
    return new Promise((resolve) => {
      const end = (error: ParleyError | null) => {
        signal.removeEventListener('abort', abort);
        queueMicrotask(() => unsubscribe());
        resolve(error);
      };
      const abort = () => end(null);
      signal.addEventListener('abort', abort);
      const unsubscribe = this.#connection.subscribe(
        { query, variables },
        {
          next: ({ data, errors }: { data?: Data | null; errors?: readonly unknown[] }) => {
            if (signal.aborted) return;
            if (errors?.length || !data) end(ParleyError.from(errors));
            else onData(data);
          },
          error: (error) => end(ParleyError.from(error)),
          complete: () => end(null),
        },
      );
    });
  }
}
