import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { post } from '../kit/sockets.js';
import { chance } from './text.js';

const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }';
const ASK = `mutation ($input: AskQuestionInput!) {
  askQuestion(input: $input) { conversation { id } answer { id } }
}`;
const STOP = 'mutation ($id: ID!) { stopAnswer(input: { answerId: $id }) { id } }';
const DELETE = 'mutation ($id: ID!) { deleteConversation(input: { id: $id }) }';
const MESSAGE = 'query ($id: ID!) { message(id: $id) { content status } }';
const LIST = `query ($search: String) {
  conversations(first: 20, search: $search) { nodes { id title lastMessage { content } } pageInfo { endCursor } }
}`;
const CONVERSATION = 'query ($id: ID!) { conversation(id: $id) { messages(last: 20) { nodes { id content } } } }';
const UPDATES = 'subscription { conversationUpdates { type } }';
const STREAM = `subscription ($id: ID!, $offset: Int!) {
  answerStream(answerId: $id, offset: $offset) {
    __typename ... on AnswerDelta { offset text } ... on AnswerFinished { answer { content } }
  }
}`;

/** How often a follower may lose its connection in a row. */
const MAX_LOST_CONNECTIONS = 10;

/** How many conversations a user keeps. */
const MAX_CONVERSATIONS = 20;

export interface Tally {
  answers: number;
  followers: number;
  reconnects: number;
  stops: number;
  lists: number;
  deletions: number;
  /** What a follower put together that differs from what is stored. */
  differences: string[];
}

/** A user who asks, follows, stops, reconnects and lists, at random. */
export class SoakUser implements AsyncDisposable {
  readonly #conversations: string[] = [];
  #updates: Client;

  private constructor(
    private readonly url: string,
    private readonly accessToken: string,
    private readonly tally: Tally,
  ) {
    this.#updates = this.#openUpdates();
  }

  static async register(url: string, tally: Tally): Promise<SoakUser> {
    const input = { email: `${randomUUID()}@example.com`, password: 'a password of the bench' };
    const { register } = await post<{ register: { accessToken: string } }>(url, REGISTER, { input });
    return new SoakUser(url, register.accessToken, tally);
  }

  /** Does one thing. */
  async act(): Promise<void> {
    if (chance(0.6)) return await this.#askAndFollow();
    if (chance(0.1)) {
      await this.#updates.dispose();
      this.#updates = this.#openUpdates();
      this.tally.reconnects += 1;
    }
    if (this.#conversations.length > MAX_CONVERSATIONS || chance(0.05)) return await this.#deleteConversation();
    await this.#list();
  }

  async #askAndFollow(): Promise<void> {
    const conversationId = chance(0.5) ? this.#conversations[randomInt(this.#conversations.length || 1)] : undefined;
    const { askQuestion } = await this.#request<{
      askQuestion: { conversation: { id: string }; answer: { id: string } };
    }>(ASK, { input: { question: 'Which tent for two people, in May?', conversationId, requestId: randomUUID() } });
    const { conversation, answer } = askQuestion;
    if (!conversationId) this.#conversations.push(conversation.id);
    const followers = Array.from({ length: randomInt(1, 4) }, () => this.#follow(answer.id));
    if (chance(0.2)) {
      await sleep(randomInt(0, 300));
      await this.#request(STOP, { id: answer.id });
      this.tally.stops += 1;
    }
    const texts = await Promise.all(followers);
    const { message } = await this.#request<{ message: { content: string; status: string } }>(MESSAGE, {
      id: answer.id,
    });
    this.tally.answers += 1;
    this.tally.followers += texts.length;
    for (const text of texts)
      if (text !== message.content)
        this.tally.differences.push(`${answer.id} (${message.status}): ${text.length} of ${message.content.length}`);
  }

  /** Puts the text of an answer together. Loses its connection now and then, and continues where it was. */
  async #follow(id: string): Promise<string> {
    let text = '';
    for (let lost = 0; ;) {
      const client = this.#connect();
      const remaining = chance(0.5) ? randomInt(1, 6) : Infinity;
      const onText = (offset: number, delta: string) => (text = text.slice(0, offset) + delta);
      const outcome = await readStream(client, id, text.length, remaining, onText);
      if (outcome === 'finished') {
        await client.dispose();
        return text;
      }
      client.terminate();
      this.tally.reconnects += 1;
      // On a busy machine a connection may not be ready in time, as in a real network.
      lost = outcome === 'lost' ? lost + 1 : 0;
      if (lost > MAX_LOST_CONNECTIONS) throw new Error(`The connection was lost ${lost} times in a row.`);
    }
  }

  async #deleteConversation(): Promise<void> {
    const [id] = this.#conversations.splice(randomInt(this.#conversations.length || 1), 1);
    if (id === undefined) return;
    await this.#request(DELETE, { id });
    this.tally.deletions += 1;
  }

  async #list(): Promise<void> {
    await this.#request(LIST, { search: chance(0.3) ? 'tent may' : null });
    const id = this.#conversations[randomInt(this.#conversations.length || 1)];
    if (id) await this.#request(CONVERSATION, { id });
    this.tally.lists += 1;
  }

  #openUpdates(): Client {
    const client = this.#connect();
    client.subscribe({ query: UPDATES }, { next() {}, error() {}, complete() {} });
    return client;
  }

  #connect(): Client {
    return createClient({
      url: this.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.accessToken}` },
      retryAttempts: 0,
    });
  }

  #request<Data>(query: string, variables: object): Promise<Data> {
    return post<Data>(this.url, query, variables, this.accessToken);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#updates.dispose();
  }
}

/** Reads at most `maxEvents` deltas. @throws Error with the errors of the operation */
async function readStream(
  client: Client,
  id: string,
  offset: number,
  maxEvents: number,
  onText: (offset: number, text: string) => unknown,
): Promise<'finished' | 'interrupted' | 'lost'> {
  let events = 0;
  const stream = client.iterate<{ answerStream: { offset?: number; text?: string } }>({
    query: STREAM,
    variables: { id, offset },
  });
  try {
    for await (const { data, errors } of stream) {
      if (errors) throw new Error(JSON.stringify(errors));
      const { offset: at, text } = data!.answerStream;
      if (text === undefined) return 'finished';
      onText(at!, text);
      events += 1;
      if (events >= maxEvents) return 'interrupted';
    }
  } catch (error) {
    // graphql-ws throws the event that has closed the WebSocket.
    if (error instanceof Error || Array.isArray(error)) throw error;
    return 'lost';
  }
  throw new Error(`The stream of ${id} ended before its answer.`);
}
