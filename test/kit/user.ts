import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { ClientError, GraphQLClient, type Variables } from 'graphql-request';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import {
  AnswerStreamDocument,
  AskQuestionDocument,
  ConversationDocument,
  MessageDocument,
  type AnswerStreamSubscription,
  type AskQuestionInput,
} from '../../src/client/generated/graphql.js';
import { Inbox } from './inbox.js';

export type AnswerStreamEvent = AnswerStreamSubscription['answerStream'];

/** What of an answer has come in, put together as the API's documentation says. */
export class Follower extends Inbox<AnswerStreamEvent> {
  text = '';
  finished: Extract<AnswerStreamEvent, { __typename: 'AnswerFinished' }>['answer'] | null = null;

  override push(event: AnswerStreamEvent): void {
    if (event.__typename === 'AnswerDelta') this.text = this.text.slice(0, event.offset) + event.text;
    else this.finished = event.answer;
    super.push(event);
  }

  /** Waits until at least this text is there. */
  async until(text: string): Promise<void> {
    while (!this.text.startsWith(text)) {
      if ((await this.next()) === null) throw new Error(`Ended with ${JSON.stringify(this.text)}, without ${text}`);
    }
  }

  /** Waits until the text is at least so long, in UTF-16 code units. */
  async untilLength(length: number): Promise<void> {
    while (this.text.length < length) {
      if ((await this.next()) === null) throw new Error(`Ended at ${this.text.length}, before ${length}`);
    }
  }
}

/** A client of the public API: signed in, or not. */
export class ApiClient implements AsyncDisposable {
  readonly http: GraphQLClient;
  /** The graphql-ws client; it connects once it is used. */
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

  /** The errors of a request that must fail. */
  async errorsOf(document: TypedDocumentNode<unknown, never> | string, variables?: Variables) {
    const response = await this.http
      .rawRequest(typeof document === 'string' ? document : print(document), variables)
      .then(
        () => null,
        (error: unknown) => (error instanceof ClientError ? error.response : Promise.reject(error)),
      );
    if (!response?.errors) throw new Error('The request was meant to fail.');
    return response.errors;
  }

  /** The code of a request that must fail. */
  async codeOf(document: TypedDocumentNode<unknown, never> | string, variables?: Variables): Promise<unknown> {
    return (await this.errorsOf(document, variables))[0]!.extensions['code'];
  }

  async ask(question: string, more: Omit<AskQuestionInput, 'question'> = {}) {
    return (await this.request(AskQuestionDocument, { input: { question, ...more } })).askQuestion;
  }

  async message(id: string) {
    return (await this.request(MessageDocument, { id })).message!;
  }

  async conversation(id: string) {
    return (await this.request(ConversationDocument, { id })).conversation!;
  }

  /** Follows an answer over this client's socket. */
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

  /** Any operation over the socket. Errors inside of results count as errors. */
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

  /** The outcome of one operation over the socket: its data, or rejects with its errors. */
  over(query: string, variables: Record<string, unknown> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let last: unknown;
      this.subscribe(query, variables, { next: (data) => (last = data), error: reject, complete: () => resolve(last) });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket.dispose();
  }
}
