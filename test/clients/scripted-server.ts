import { MessageType } from 'graphql-ws';
import { createChat, type Chat } from '../../client/src/chat/chat.js';
import type { WebSocketConstructor } from '../../client/src/connection/direct-connection.js';
import type {
  AccountFragment,
  AnswerStreamSubscription,
  ConversationPartsFragment,
  ConversationQuery,
} from '../../client/src/generated/graphql.js';
import { createSession } from '../../client/src/session/session.js';
import type { Fetch } from '../../client/src/session/post.js';
import { MemoryStorage, type StoredTokens } from '../../client/src/session/stored-tokens.js';

type Message = NonNullable<ConversationQuery['conversation']>['messages']['edges'][number]['node'];
type AnswerEvent = AnswerStreamSubscription['answerStream'];

export interface ScriptedRequest {
  /** The name of the operation. */
  name: string;
  variables: Record<string, unknown>;
}

interface Frame {
  type: MessageType;
  id?: string;
  payload?: { query: string; variables: Record<string, unknown> };
}

interface Subscription extends ScriptedRequest {
  id: string;
  socket: ScriptedSocket;
}

const CREATED_AT = '2026-01-01T00:00:00.000Z';

const USER: AccountFragment = {
  id: 'jane',
  email: 'jane@example.com',
  name: null,
  phone: null,
  role: 'USER',
  emailVerified: false,
  createdAt: CREATED_AT,
  updatedAt: CREATED_AT,
};

export const createMessage = (position: number, change: Partial<Message> = {}): Message => ({
  id: `message-${position}`,
  position,
  role: position % 2 === 0 ? 'USER' : 'ASSISTANT',
  content: `Message ${position}`,
  reasoning: null,
  status: 'COMPLETED',
  error: null,
  finishReason: null,
  toolCalls: [],
  products: [],
  unverifiedClaims: [],
  requestId: null,
  model: null,
  usage: null,
  createdAt: CREATED_AT,
  finishedAt: null,
  replaces: null,
  ...change,
});

/** What a client calls a WebSocket. Its other end is the scripted server. */
class ScriptedSocket {
  readyState = 0;
  onopen: () => void = () => {};
  onmessage: (event: { data: string }) => void = () => {};
  onclose: (event: { code: number; reason: string; wasClean: boolean }) => void = () => {};
  onerror: (error: unknown) => void = () => {};

  constructor(private readonly server: ScriptedServer) {
    setImmediate(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.onopen();
    });
  }

  send(text: string): void {
    this.server.receive(this, JSON.parse(text) as Frame);
  }

  tell(frame: object): void {
    if (this.readyState === 1) this.onmessage({ data: JSON.stringify(frame) });
  }

  close(code = 1000, reason = ''): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.server.forget(this);
    setImmediate(() => this.onclose({ code, reason, wasClean: true }));
  }
}

/** A server with one conversation, which a test plays: it decides when which event, response or failure arrives. */
export class ScriptedServer {
  messages: Message[] = [];
  isDeleted = false;
  /** How many conversations the list has. The last was active last. */
  conversations = 1;
  readonly requests: ScriptedRequest[] = [];
  readonly subscriptions = new Set<Subscription>();
  /** Runs between the reading of a response and its arrival. If it throws, the response is lost. */
  onRespond: (request: ScriptedRequest) => void | Promise<void> = () => {};
  readonly #sockets = new Set<ScriptedSocket>();

  /** Opens a page whose user is signed in. */
  open(): Chat {
    const { session, storage, webSocketImpl } = this.connect();
    return createChat(session, { storage, webSocketImpl });
  }

  /** Returns what a page needs to talk to this server. */
  connect() {
    const storage = new MemoryStorage();
    const url = 'http://parley.test/graphql';
    const tokens: StoredTokens = {
      accessToken: 'access',
      expiresAt: Date.now() + 86_400_000,
      lifetimeMs: 86_400_000,
      refreshToken: 'refresh',
      user: USER,
    };
    storage.setItem(`parley:${url}`, JSON.stringify(tokens));
    const session = createSession({ url, storage, fetch: this.#fetch });
    return { session, storage, webSocketImpl: this.#createWebSocket() };
  }

  /** The subscriptions that follow an answer. */
  followers(answerId: string): Subscription[] {
    return [...this.subscriptions].filter(({ variables }) => variables['answerId'] === answerId);
  }

  /** Sends an event of an answer to those who follow it. */
  tell(answerId: string, event: AnswerEvent): void {
    for (const subscription of this.followers(answerId)) this.#next(subscription, { answerStream: event });
  }

  /** Ends an answer, and its subscriptions. */
  finish(answer: Message): void {
    this.put(answer);
    const followers = this.followers(answer.id);
    this.tell(answer.id, { __typename: 'AnswerFinished', answer });
    for (const { socket, id } of followers) socket.tell({ type: MessageType.Complete, id });
    for (const follower of followers) this.subscriptions.delete(follower);
  }

  /** Stores a message in the place of another with its position. */
  put(message: Message): void {
    this.messages = [...this.messages.filter(({ position }) => position !== message.position), message];
    this.messages.sort((a, b) => a.position - b.position);
  }

  /** Tells of a message. */
  announce(message: Message): void {
    const update = {
      type: message.status === 'STREAMING' ? 'MESSAGE_ADDED' : 'ANSWER_FINISHED',
      conversationId: 'talk',
      ownSession: false,
      conversationEdge: null,
      messageEdge: this.#toEdge(message),
    };
    for (const subscription of this.subscriptions)
      if (subscription.name === 'ConversationUpdates') this.#next(subscription, { conversationUpdates: update });
  }

  /** Closes all connections, as a server that stops. */
  drop(): void {
    for (const socket of this.#sockets) socket.close(1001, 'Going away');
  }

  receive(socket: ScriptedSocket, { type, id, payload }: Frame): void {
    if (type === MessageType.ConnectionInit) socket.tell({ type: MessageType.ConnectionAck });
    else if (type === MessageType.Ping) socket.tell({ type: MessageType.Pong });
    else if (type === MessageType.Complete)
      for (const subscription of this.subscriptions) {
        if (subscription.socket === socket && subscription.id === id) this.subscriptions.delete(subscription);
      }
    else if (type === MessageType.Subscribe) this.#subscribe(socket, id!, payload!);
  }

  forget(socket: ScriptedSocket): void {
    this.#sockets.delete(socket);
    for (const subscription of this.subscriptions)
      if (subscription.socket === socket) this.subscriptions.delete(subscription);
  }

  #subscribe(socket: ScriptedSocket, id: string, { query, variables }: NonNullable<Frame['payload']>): void {
    const subscription = { id, socket, name: getName(query), variables };
    this.subscriptions.add(subscription);
    if (subscription.name !== 'ConversationUpdates') return;
    const ready = { type: 'READY', conversationId: '', ownSession: false, conversationEdge: null, messageEdge: null };
    this.#next(subscription, { conversationUpdates: ready });
  }

  #next({ socket, id }: Subscription, data: object): void {
    socket.tell({ type: MessageType.Next, id, payload: { data } });
  }

  #createWebSocket(): WebSocketConstructor {
    const open = () => {
      const socket = new ScriptedSocket(this);
      this.#sockets.add(socket);
      return socket;
    };
    const create = function () {
      return open();
    };
    return Object.assign(create, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }) as never;
  }

  #fetch: Fetch = async (_url, { body }) => {
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    const request = { name: getName(query), variables };
    this.requests.push(request);
    // Read now: what happens until it arrives is newer.
    const response = JSON.stringify({ data: this.#respond(request) });
    await this.onRespond(request);
    return { status: 200, headers: { get: () => null }, text: async () => response };
  };

  #respond({ name, variables }: ScriptedRequest): object {
    if (name === 'Conversations') return { conversations: this.#list(variables as { first: number; after?: string }) };
    if (name !== 'Conversation') throw new Error(`The scripted server does not know ${name}.`);
    if (this.isDeleted) return { conversation: null };
    const { last, before } = variables as { last: number; before?: string };
    const older = this.messages.filter(({ position }) => before === undefined || position < Number(before));
    const page = older.slice(-last);
    const pageInfo = {
      hasNextPage: before !== undefined,
      hasPreviousPage: older.length > page.length,
      startCursor: null,
      endCursor: null,
    };
    return { conversation: { ...PARTS, messages: { pageInfo, edges: page.map((it) => this.#toEdge(it)) } } };
  }

  #list({ first, after }: { first: number; after?: string | null }): object {
    const end = after ? Number(after) : this.conversations;
    const numbers = Array.from({ length: Math.min(first, end) }, (_, i) => end - 1 - i);
    const edges = numbers.map((number) => {
      const updatedAt = new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString();
      return { cursor: String(number), node: { ...PARTS, id: `talk-${number}`, updatedAt, lastMessage: null } };
    });
    return { edges, pageInfo: { hasNextPage: end > first, endCursor: edges.at(-1)?.cursor ?? null } };
  }

  #toEdge(node: Message) {
    return { cursor: String(node.position), node };
  }
}

const PARTS: ConversationPartsFragment = {
  id: 'talk',
  title: 'A talk',
  metadata: null,
  messagesSinceContextUpdate: 0,
  createdAt: CREATED_AT,
  updatedAt: CREATED_AT,
};

const getName = (query: string): string => /(?:query|mutation|subscription) (\w+)/.exec(query)![1]!;
