import { print } from 'graphql';
import type { Connection } from '../connection/direct-connection.js';
import { openConnection, type ConnectionOptions } from '../connection/open-connection.js';
import { findLocalStorage, type KeyValueStorage } from '../environment.js';
import { ConversationUpdatesDocument, type ConversationUpdatesSubscription } from '../generated/graphql.js';
import type { Session } from '../session/session.js';
import { MemoryStorage } from '../session/stored-tokens.js';
import { Store, type Observable } from '../store.js';
import { ConversationList } from './conversation-list.js';
import { Conversation, type ChatContext, type ConversationUpdate } from './conversation.js';
import { Drafts } from './drafts.js';
import { getRetryDelay, pause } from './retry.js';

export interface ChatOptions extends ConnectionOptions {
  /** Where drafts are kept. Default: `localStorage`, or memory where there is none. */
  storage?: KeyValueStorage;
}

/** OFFLINE: the last attempt to connect has failed; the chat keeps trying. */
export type ConnectionState = 'SIGNED_OUT' | 'CONNECTING' | 'ONLINE' | 'OFFLINE';

export interface ChatSnapshot {
  readonly connection: ConnectionState;
}

/** Conversations and lists that nothing observes are forgotten beyond this number, the oldest first. */
const MAX_IDLE = 30;

/**
 * The conversations of the user who is signed in, kept in step with the server: over lost connections, other tabs and
 * other devices. It begins when something observes a list, a conversation or the chat.
 */
export class Chat implements Observable<ChatSnapshot>, Disposable {
  readonly #store: Store<ChatSnapshot>;
  readonly #drafts: Drafts;
  readonly #conversations = new Map<string, Conversation>();
  readonly #lists = new Map<string, ConversationList>();
  readonly #context: ChatContext;
  readonly #stopWatchingSession: () => void;
  #userId: string | null;
  #new: Conversation | null = null;
  /** Lasts as long as a user is signed in. */
  #period = new AbortController();
  #connection: Connection | null = null;
  #isStarted = false;

  constructor(
    readonly session: Session,
    private readonly options: ChatOptions = {},
  ) {
    this.#userId = session.user?.id ?? null;
    this.#store = new Store<ChatSnapshot>({ connection: this.#userId ? 'CONNECTING' : 'SIGNED_OUT' });
    this.#drafts = new Drafts(options.storage ?? findLocalStorage() ?? new MemoryStorage(), `${session.key}:drafts`);
    this.#context = {
      session,
      drafts: this.#drafts,
      getSignal: () => this.#period.signal,
      getConnection: () => this.#getConnection(),
      onCreated: (conversation, id) => {
        if (this.#new === conversation) this.#new = null;
        this.#conversations.set(id, conversation);
      },
      onDeleted: (id) => this.#remove(id),
      onChanged: (parts) => {
        for (const list of this.#lists.values()) list.update(parts);
      },
    };
    this.#stopWatchingSession = session.subscribe(() => this.#onSession());
  }

  getSnapshot = (): ChatSnapshot => this.#store.value;

  subscribe = (listener: () => void): (() => void) => {
    this.#start();
    return this.#store.subscribe(listener);
  };

  /** Returns a conversation. @param id null: one that the first question creates; the same until then */
  conversation(id: string | null): Conversation {
    this.#start();
    if (id === null) return (this.#new ??= new Conversation(this.#context, null));
    const conversation = this.#conversations.get(id) ?? new Conversation(this.#context, id);
    return remember(this.#conversations, id, conversation);
  }

  /** Returns the list of conversations. @param search words or their beginnings, in titles and messages */
  conversations(search = ''): ConversationList {
    this.#start();
    const words = search.trim();
    return remember(this.#lists, words, this.#lists.get(words) ?? new ConversationList(this.#context, words));
  }

  /** Closes the connection and stops following answers, which the server goes on generating. */
  [Symbol.dispose](): void {
    this.#stopWatchingSession();
    this.#period.abort();
    this.#closeConnection();
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    if (this.#userId) void this.#keepUpToDate(this.#period.signal);
  }

  #onSession(): void {
    const userId = this.session.user?.id ?? null;
    if (userId === this.#userId) return;
    const lastId = this.#userId;
    // The conversations of a guest go on as those of the account that has claimed them.
    const mustForget = lastId !== null && !(userId && this.session.hasClaimed(lastId));
    this.#userId = userId;
    this.#period.abort();
    this.#period = new AbortController();
    this.#closeConnection();
    if (mustForget) {
      this.#drafts.clear();
      for (const conversation of [...this.#conversations.values(), ...(this.#new ? [this.#new] : [])])
        conversation.reset();
      for (const list of this.#lists.values()) list.reset();
      forgetIdle(this.#conversations, 0);
      forgetIdle(this.#lists, 0);
    }
    this.#store.set({ connection: userId ? 'CONNECTING' : 'SIGNED_OUT' });
    if (!userId) return;
    this.#refresh();
    if (this.#isStarted) void this.#keepUpToDate(this.#period.signal);
  }

  #getConnection(): Connection {
    return (this.#connection ??= openConnection(this.session, this.options));
  }

  #closeConnection(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  /** Receives updates until the user signs out. */
  async #keepUpToDate(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      let isReady = false;
      await this.#receiveUpdates(signal, () => {
        isReady = true;
        failures = 0;
      });
      if (signal.aborted) return;
      // A token that expires closes the connection, which is normal.
      this.#store.set({ connection: isReady ? 'CONNECTING' : 'OFFLINE' });
      await pause(isReady ? 0 : getRetryDelay(failures), signal);
    }
  }

  /** Subscribes once. Resolves when the connection is lost. */
  #receiveUpdates(signal: AbortSignal, onReady: () => void): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        signal.removeEventListener('abort', end);
        queueMicrotask(() => unsubscribe());
        resolve();
      };
      signal.addEventListener('abort', end);
      const unsubscribe = this.#getConnection().subscribe(
        { query: print(ConversationUpdatesDocument), variables: {} },
        {
          next: ({ data, errors }: { data?: ConversationUpdatesSubscription | null; errors?: unknown }) => {
            if (signal.aborted) return;
            if (errors || !data) return end();
            const update = data.conversationUpdates;
            if (update.type !== 'READY') return this.#apply(update);
            onReady();
            this.#store.set({ connection: 'ONLINE' });
            this.#refresh();
          },
          error: end,
          complete: end,
        },
      );
    });
  }

  #apply(update: ConversationUpdate): void {
    for (const list of this.#lists.values()) if (list.isActive) list.apply(update);
    if (update.type === 'DELETED') return this.#remove(update.conversationId);
    const conversation = this.#conversations.get(update.conversationId);
    if (conversation?.isActive) conversation.apply(update);
  }

  #remove(id: string): void {
    this.#conversations.get(id)?.setMissing();
    for (const list of this.#lists.values()) list.remove(id);
  }

  /** Reads again what is observed: all later changes arrive as updates. */
  #refresh(): void {
    for (const list of this.#lists.values()) if (list.isActive) void list.refresh();
    for (const conversation of [...this.#conversations.values(), ...(this.#new ? [this.#new] : [])])
      if (conversation.isActive) void conversation.resume();
  }
}

export const createChat = (session: Session, options?: ChatOptions): Chat => new Chat(session, options);

/** Moves an entry to the end of its map, and forgets idle ones at the beginning. */
function remember<T extends { isActive: boolean }>(entries: Map<string, T>, key: string, value: T): T {
  entries.delete(key);
  entries.set(key, value);
  forgetIdle(entries, MAX_IDLE);
  return value;
}

function forgetIdle<T extends { isActive: boolean }>(entries: Map<string, T>, maximum: number): void {
  for (const [key, { isActive }] of entries) {
    if (entries.size <= maximum) return;
    if (!isActive) entries.delete(key);
  }
}
