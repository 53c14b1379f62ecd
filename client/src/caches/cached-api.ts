import { getOperationAST, OperationTypeNode, print, type DocumentNode } from 'graphql';
import { getRetryDelay, pause } from '../chat/retry.js';
import type { ConnectionOptions } from '../connection/open-connection.js';
import { UserConnection } from '../connection/user-connection.js';
import { ParleyError } from '../parley-error.js';
import type { Session } from '../session/session.js';
import type { MergeableMessage, MergeableProduct, MergeableToolCall } from '../chat/merge-message.js';
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
  mention?: Partial<MergeableProduct>;
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
   * @param onGrown called with a message that has a longer text, another product, or a look-up that has begun or ended
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
    const query = print(document);
    const progress = { ...variables };
    for (let failures = 0; !signal.aborted; failures += 1) {
      const { answerId, offset } = findRootField(document, progress, 'answerStream') ?? {};
      let end = typeof offset === 'number' ? offset : 0;
      const error = await this.#followOnce(query, progress, signal, (data) => {
        if (typeof answerId === 'string') {
          const event = data['answerStream'] as AnswerEvent;
          if (isDelta(event) && event.__typename !== 'ReasoningDelta') {
            if (event.offset > end) return new ParleyError('NETWORK_ERROR', 'Text of the answer was lost on its way.');
            end = event.offset + event.text.length;
            progress['offset'] = end;
          }
          const message = this.#apply(answerId, event);
          if (message) onGrown(message);
        }
        failures = 0;
        sink.next(this.merger.merge(data, this.merger.begin()));
        return null;
      });
      if (signal.aborted) return;
      if (!error) return sink.complete();
      if (!error.isRetryable && error.code !== 'UNAUTHENTICATED') throw error;
      if (!this.session.user) throw error;
      await pause(getRetryDelay(failures), signal);
    }
  }

  /** Returns the message with what the event adds to it, or null if that is nothing. */
  #apply(answerId: string, event: AnswerEvent): MergeableMessage | null {
    const { __typename, toolCall, mention } = event;
    if (toolCall?.id !== undefined) return this.merger.changeCall(answerId, { ...toolCall, id: toolCall.id });
    if (mention?.id !== undefined) return this.merger.showProduct(answerId, { ...mention, id: mention.id });
    if (!isDelta(event)) return null;
    return this.merger.grow(answerId, __typename === 'ReasoningDelta' ? 'reasoning' : 'content', event);
  }

  /**
   * Subscribes once. Resolves with the error that ended it, or with null when it is complete.
   * @param onData returns an error if it cannot go on
   */
  #followOnce(
    query: string,
    variables: Record<string, unknown>,
    signal: AbortSignal,
    onData: (data: Data) => ParleyError | null,
  ): Promise<ParleyError | null> {
    return new Promise((resolve) => {
      let hasEnded = false;
      const end = (error: ParleyError | null) => {
        hasEnded = true;
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
            if (signal.aborted || hasEnded) return;
            const error = errors?.length || !data ? ParleyError.from(errors) : onData(data);
            if (error) end(error);
          },
          error: (error) => end(ParleyError.from(error)),
          complete: () => end(null),
        },
      );
    });
  }
}

const isDelta = (event: AnswerEvent): event is AnswerEvent & { offset: number; text: string } =>
  event.offset !== undefined && event.text !== undefined;
