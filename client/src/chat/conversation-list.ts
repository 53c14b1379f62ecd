import {
  ConversationsDocument,
  type ConversationPartsFragment,
  type ConversationsQuery,
} from '../generated/graphql.js';
import { ParleyError } from '../parley-error.js';
import type { Observable } from '../store.js';
import type { ChatContext, ConversationUpdate } from './conversation.js';
import { RefreshedStore } from './refreshed-store.js';
import { withRetries } from './retry.js';

export type ConversationListItem = ConversationsQuery['conversations']['edges'][number]['node'];

export interface ConversationListSnapshot {
  /** FAILED: the first page could not be loaded, see `error`. */
  readonly status: 'LOADING' | 'READY' | 'FAILED';
  /** The most recently active first. */
  readonly items: readonly ConversationListItem[];
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  readonly error: ParleyError | null;
}

interface Entry {
  item: ConversationListItem;
  cursor: string;
}

const PAGE_SIZE = 30;

const compare = (a: Entry, b: Entry): number =>
  a.item.updatedAt === b.item.updatedAt
    ? b.item.id.localeCompare(a.item.id)
    : b.item.updatedAt.localeCompare(a.item.updatedAt);

/** The conversations of the user, or those that match a search. */
export class ConversationList implements Observable<ConversationListSnapshot> {
  readonly #store: RefreshedStore<ConversationListSnapshot>;
  #entries: readonly Entry[] = [];
  #status: ConversationListSnapshot['status'] = 'LOADING';
  /** When the first was active as the list was read. All from then to the end of the list are known. */
  #newest = '';
  #hasMore = false;
  #isLoadingMore = false;
  #error: ParleyError | null = null;
  /** Conversations that were deleted while a page was read. */
  readonly #deleted = new Set<string>();

  constructor(
    private readonly context: ChatContext,
    readonly search: string,
  ) {
    this.#store = new RefreshedStore(this.#createSnapshot(), { read: () => this.#read() });
  }

  get isActive(): boolean {
    return this.#store.isActive;
  }

  getSnapshot = (): ConversationListSnapshot => this.#store.getSnapshot();

  /** While there are subscribers, the list is kept up to date. */
  subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  /** Reads the first page and merges it. The chat calls it after each connection. */
  async refresh(): Promise<void> {
    await this.#store.refresh();
  }

  /** Loads the next page. */
  async loadMore(): Promise<void> {
    const after = this.#entries.at(-1)?.cursor;
    if (this.#isLoadingMore || !this.#hasMore || !after) return;
    this.#isLoadingMore = true;
    this.#error = null;
    this.#publish();
    const signal = this.context.getSignal();
    try {
      const { conversations } = await this.#request(after);
      this.#hasMore = conversations.pageInfo.hasNextPage;
      this.#merge(conversations.edges);
    } catch (error) {
      if (!signal.aborted) this.#error = ParleyError.from(error);
    }
    this.#isLoadingMore = false;
    this.#publish();
  }

  /** Applies an event. */
  apply({ type, conversationId, conversationEdge }: ConversationUpdate): void {
    if (type === 'DELETED') return this.remove(conversationId);
    if (!conversationEdge) return;
    const known = this.#entries.some(({ item }) => item.id === conversationId);
    // Only the server knows what matches a search.
    if (this.search !== '' && (!known || type !== 'METADATA_UPDATED')) void this.refresh();
    else if (this.#status === 'READY') {
      this.#merge([conversationEdge]);
      // Nothing was missed before it.
      if (!this.#store.isReading) this.#newest = this.#entries[0]?.item.updatedAt ?? '';
      this.#publish();
    }
  }

  /** Shows a change of a conversation before its event arrives. */
  update(parts: ConversationPartsFragment): void {
    const entry = this.#entries.find(({ item }) => item.id === parts.id);
    if (!entry || entry.item.updatedAt > parts.updatedAt) return;
    this.#merge([{ cursor: entry.cursor, node: { ...entry.item, ...parts, lastMessage: entry.item.lastMessage } }]);
    this.#publish();
  }

  remove(id: string): void {
    if (this.#store.isReading || this.#isLoadingMore) this.#deleted.add(id);
    this.#entries = this.#entries.filter(({ item }) => item.id !== id);
    this.#publish();
  }

  /** Forgets everything, because another user may sign in. */
  reset(): void {
    this.#entries = [];
    this.#newest = '';
    this.#status = 'LOADING';
    this.#hasMore = false;
    this.#error = null;
    this.#publish();
  }

  async #read(): Promise<void> {
    if (!this.context.session.user) return;
    const signal = this.context.getSignal();
    try {
      const send = () => this.#request(null);
      // What is shown would stay outdated until the next connection if this failed.
      const { conversations } = await (this.#status === 'READY' ? withRetries(signal, send) : send());
      const { edges, pageInfo } = conversations;
      const ids = new Set(edges.map(({ node }) => node.id));
      const last = edges.at(-1);
      const end = last && { item: last.node, cursor: last.cursor };
      // What the page covers and does not contain was deleted, unless it has become active while the page was read.
      // If more has become active than a page has, others may be missing between.
      const isJoined = pageInfo.hasNextPage && end !== undefined && end.item.updatedAt <= this.#newest;
      const beyond = isJoined ? this.#entries.filter((entry) => compare(end, entry) < 0) : [];
      this.#newest = edges[0]?.node.updatedAt ?? '';
      if (this.#entries.length === 0 || beyond.length === 0) this.#hasMore = pageInfo.hasNextPage;
      this.#entries = [...this.#entries.filter(({ item }) => ids.has(item.id)), ...beyond];
      this.#merge(edges);
      this.#status = 'READY';
      this.#error = null;
    } catch (error) {
      if (signal.aborted || this.#status === 'READY') return;
      this.#status = 'FAILED';
      this.#error = ParleyError.from(error);
    } finally {
      if (!this.#isLoadingMore) this.#deleted.clear();
    }
    this.#publish();
  }

  #request(after: string | null) {
    const variables = { first: PAGE_SIZE, after, search: this.search || null };
    return this.context.session.request(ConversationsDocument, variables, { signal: this.context.getSignal() });
  }

  /** Merges edges. Of two states of a conversation the more recently active one stays. */
  #merge(edges: readonly { node: ConversationListItem; cursor: string }[]): void {
    const byId = new Map(this.#entries.map((entry) => [entry.item.id, entry]));
    for (const { node, cursor } of edges) {
      if (this.#deleted.has(node.id)) continue;
      const known = byId.get(node.id);
      if (!known || known.item.updatedAt <= node.updatedAt) byId.set(node.id, { item: node, cursor });
    }
    this.#entries = [...byId.values()].sort(compare);
  }

  #publish(): void {
    this.#store.set(this.#createSnapshot());
  }

  #createSnapshot(): ConversationListSnapshot {
    return {
      status: this.#status,
      items: this.#entries.map(({ item }) => item),
      hasMore: this.#hasMore,
      isLoadingMore: this.#isLoadingMore,
      error: this.#error,
    };
  }
}
