import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { ClientError, GraphQLClient, type Variables } from 'graphql-request';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import {
  AnswerStreamDocument,
  AskQuestionDocument,
  ConversationPartsFragmentDoc,
  ConversationUpdatesDocument,
  MessageDocument,
  MessagePartsFragmentDoc,
  type AnswerStreamSubscription,
  type AskQuestionInput,
  type ConversationPartsFragment,
  type ConversationUpdatesSubscription,
  type MessagePartsFragment,
} from '../../client/src/generated/graphql.js';
import { Inbox } from './inbox.js';

export type ConversationUpdate = ConversationUpdatesSubscription['conversationUpdates'];

type WholeConversation = ConversationPartsFragment & {
  lastMessage: MessagePartsFragment | null;
  messages: { totalCount: number; nodes: MessagePartsFragment[] };
};

/** Reads what no shipped operation does at once. */
const WHOLE_CONVERSATION = `query ($id: ID!) { conversation(id: $id) { ...ConversationParts lastMessage { ...MessageParts }
  messages { totalCount nodes { ...MessageParts } } } }
  ${print(ConversationPartsFragmentDoc)} ${print(MessagePartsFragmentDoc)}`;

export type AnswerStreamEvent = AnswerStreamSubscription['answerStream'];

/** Follows an answer and assembles its text as docs/api.md describes. */
export class Follower extends Inbox<AnswerStreamEvent> {
  text = '';
  reasoning = '';
  finished: Extract<AnswerStreamEvent, { __typename: 'AnswerFinished' }>['answer'] | null = null;

  override push(event: AnswerStreamEvent): void {
    if (event.__typename === 'AnswerDelta') this.text = this.text.slice(0, event.offset) + event.text;
    else if (event.__typename === 'ReasoningDelta') this.reasoning = this.reasoning.slice(0, event.offset) + event.text;
    else if (event.__typename === 'AnswerFinished') this.finished = event.answer;
    super.push(event);
  }

  /** Waits until the text starts with `text`. */
  async until(text: string): Promise<void> {
    while (!this.text.startsWith(text)) {
      if ((await this.next()) === null)
        throw new Error(`The stream ended with ${JSON.stringify(this.text)} before ${text}`);
    }
  }

  /** Waits until the reasoning starts with `reasoning`. */
  async untilReasoning(reasoning: string): Promise<void> {
    while (!this.reasoning.startsWith(reasoning)) {
      if ((await this.next()) === null) throw new Error(`The stream ended with ${JSON.stringify(this.reasoning)}`);
    }
  }

  /** Waits until the text has at least `length` UTF-16 code units. */
  async untilLength(length: number): Promise<void> {
    while (this.text.length < length) {
      if ((await this.next()) === null) throw new Error(`The stream ended at ${this.text.length} before ${length}`);
    }
  }
}

/** A client of the public API, with or without an access token. */
export class ApiClient implements AsyncDisposable {
  readonly http: GraphQLClient;
  /** The graphql-ws client. It connects when it is first used. */
  readonly socket: Client;

  constructor(
    readonly url: string,
    readonly accessToken: string | null = null,
  ) {
    const authorization = accessToken && `Bearer ${accessToken}`;
    this.http = new GraphQLClient(`${url}/graphql`, { headers: authorization ? { authorization } : {} });
    this.socket = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: authorization ? { authorization } : undefined,
      retryAttempts: 0,
    });
  }

  request<T, V extends Variables = Variables>(document: TypedDocumentNode<T, V> | string, variables?: V): Promise<T> {
    return this.http.request<T>(document, variables as Variables);
  }

  /** Returns the errors of a request. @throws Error if it succeeds */
  async getErrors(document: TypedDocumentNode<unknown, never> | string, variables?: Variables) {
    const response = await this.http
      .rawRequest(typeof document === 'string' ? document : print(document), variables)
      .then(
        () => null,
        (error: unknown) => (error instanceof ClientError ? error.response : Promise.reject(error)),
      );
    if (!response?.errors) throw new Error('Expected the request to fail.');
    return response.errors;
  }

  /** Returns the code of the first error of a request. @throws Error if it succeeds */
  async getErrorCode(document: TypedDocumentNode<unknown, never> | string, variables?: Variables): Promise<unknown> {
    return (await this.getErrors(document, variables))[0]!.extensions['code'];
  }

  async ask(question: string, more: Omit<AskQuestionInput, 'question'> = {}) {
    return (await this.request(AskQuestionDocument, { input: { question, ...more } })).askQuestion;
  }

  async message(id: string) {
    return (await this.request(MessageDocument, { id })).message!;
  }

  async conversation(id: string) {
    return (await this.request<{ conversation: WholeConversation }>(WHOLE_CONVERSATION, { id })).conversation;
  }

  /** Follows an answer over the socket of this client. */
  follow(answerId: string, offset?: number): Follower & { stop: () => void } {
    const follower = new Follower();
    const stop = this.subscribe(
      print(AnswerStreamDocument),
      { answerId, offset },
      {
        next: (data) => follower.push((data as AnswerStreamSubscription).answerStream),
        error: (error) => follower.fail(error),
        complete: () => follower.close(),
      },
    );
    return Object.assign(follower, { stop });
  }

  /** Receives conversation updates over the socket of this client. Resolves when later changes are not missed. */
  async watch(conversationId?: string): Promise<Inbox<ConversationUpdate> & { stop: () => void }> {
    const inbox = new Inbox<ConversationUpdate>();
    const ready = Promise.withResolvers<void>();
    const stop = this.subscribe(
      print(ConversationUpdatesDocument),
      { conversationId },
      {
        next: (data) => {
          const update = (data as ConversationUpdatesSubscription).conversationUpdates;
          if (update.type === 'READY') ready.resolve();
          else inbox.push(update);
        },
        error: (error) => {
          ready.reject(error);
          inbox.fail(error);
        },
        complete: () => {
          ready.reject(new Error('The subscription completed before it was ready.'));
          inbox.close();
        },
      },
    );
    await ready.promise;
    return Object.assign(inbox, { stop });
  }

  /** Subscribes to an operation over the socket. Passes errors within results to `sink.error`. */
  subscribe(
    query: string,
    variables: Record<string, unknown>,
    sink: { next: (data: unknown) => void; error: (error: unknown) => void; complete: () => void },
  ): () => void {
    return this.socket.subscribe(
      { query, variables },
      {
        next: ({ data, errors }) => (errors ? sink.error(errors) : sink.next(data)),
        error: sink.error,
        complete: sink.complete,
      },
    );
  }

  /** Runs an operation over the socket. Resolves with its last data, or rejects with its errors. */
  requestOverSocket(query: string, variables: Record<string, unknown> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let last: unknown;
      this.subscribe(query, variables, { next: (data) => (last = data), error: reject, complete: () => resolve(last) });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket.dispose();
  }
}
