import type {
  ConversationQuery,
  MessagePartsFragment,
  ShownProductPartsFragment,
  ToolCallPartsFragment,
} from '../generated/graphql.js';
import { mergeMessage, mergeProducts, mergeToolCalls, type KnownMessage } from './merge-message.js';

export type MessagePage = NonNullable<ConversationQuery['conversation']>['messages'];

/** A message, with the answer whose place it took. */
export type StoredMessage = MessagePartsFragment & { replaces?: { id: string } | null };

interface Entry extends KnownMessage<StoredMessage> {
  cursor: string | null;
  /** The text of an event that says it is STREAMING although it has ended. It may be late: the next delta decides. */
  continuedText: string | null;
}

/** An answer to follow, and the text from which on. */
export interface UnfinishedAnswer {
  id: string;
  text: string;
}

/** What was added to an answer: the texts are whole. */
export interface AnswerChange {
  content?: string;
  reasoning?: string;
  mention?: ShownProductPartsFragment;
  toolCall?: ToolCallPartsFragment;
}

/** The loaded messages of a conversation, by position and without holes. */
export class Timeline {
  readonly #entries = new Map<string, Entry>();
  readonly #replaced = new Set<string>();
  #time = 0;
  #hasEarlier = false;

  /** Returns the time at which a request begins. */
  begin(): number {
    return (this.#time += 1);
  }

  get hasEarlier(): boolean {
    return this.#hasEarlier;
  }

  /** The cursor of the first message, where the earlier ones end. */
  get startCursor(): string | null {
    return this.#sorted()[0]?.cursor ?? null;
  }

  get lastPosition(): number {
    return this.#sorted().at(-1)?.message.position ?? -1;
  }

  list(): StoredMessage[] {
    return this.#sorted().map(({ message }) => message);
  }

  get(id: string): StoredMessage | null {
    return this.#entries.get(id)?.message ?? null;
  }

  /** Returns the answers to follow. */
  listUnfinished(): UnfinishedAnswer[] {
    return this.#sorted()
      .filter(({ message, continuedText }) => continuedText !== null || message.status === 'STREAMING')
      .map(({ message, continuedText }) => ({ id: message.id, text: continuedText ?? message.content }));
  }

  clear(): void {
    this.#entries.clear();
    this.#replaced.clear();
    this.#hasEarlier = false;
  }

  /** Whether messages are missing between those that are loaded and a page of newer ones. */
  isBehind(page: MessagePage): boolean {
    const first = page.edges[0]?.node.position;
    return this.#entries.size > 0 && first !== undefined && first > this.lastPosition + 1;
  }

  /** Merges a page. @param begunAt when its request began */
  mergePage(page: MessagePage, begunAt: number): void {
    const first = this.#sorted()[0]?.message.position ?? Infinity;
    for (const { node, cursor } of page.edges) this.merge(node, begunAt, cursor);
    const firstOfPage = page.edges[0]?.node.position;
    if (firstOfPage === undefined ? this.#entries.size === 0 : firstOfPage <= first)
      this.#hasEarlier = page.pageInfo.hasPreviousPage;
  }

  /** Forgets all messages, because too many are missing between them and the newest. */
  restart(): void {
    this.#entries.clear();
  }

  /** Merges a message that a request returned. @param begunAt when the request began */
  merge(message: StoredMessage, begunAt: number, cursor: string | null = null): void {
    if (message.replaces) this.#replace(message.replaces.id);
    if (this.#replaced.has(message.id)) return;
    const now = this.begin();
    const other = this.#findOther(message);
    if (other) {
      if (other.createdAt > message.createdAt) return;
      this.#replace(other.id);
    }
    const known = this.#entries.get(message.id);
    const merged = mergeMessage(known, message, begunAt, now);
    this.#entries.set(message.id, { ...merged, cursor: cursor ?? known?.cursor ?? null, continuedText: null });
  }

  /** Merges a message of an event, whose data were read at an unknown time. */
  mergeEvent(message: StoredMessage, cursor: string): void {
    const known = this.#entries.get(message.id);
    if (known && message.status === 'STREAMING' && known.message.status !== 'STREAMING')
      this.#entries.set(message.id, { ...known, continuedText: message.content });
    else this.merge(message, this.begin(), cursor);
  }

  /** Applies what a follower has received. */
  grow(id: string, { mention, toolCall, ...text }: AnswerChange): void {
    const known = this.#entries.get(id);
    // It has ended meanwhile.
    if (!known || (known.message.status !== 'STREAMING' && known.continuedText === null)) return;
    const products = mergeProducts(known.message.products, mention ? [mention] : []);
    const toolCalls = mergeToolCalls(known.message.toolCalls, toolCall ? [toolCall] : []);
    const message: StoredMessage = { ...known.message, ...text, products, toolCalls, status: 'STREAMING' };
    const now = this.begin();
    const isContinued = known.message.status !== 'STREAMING';
    const merged = isContinued
      ? { message: { ...message, error: null, finishReason: null, finishedAt: null }, endedAt: -1, continuedAt: now }
      : mergeMessage(known, message, now, now);
    this.#entries.set(id, { ...known, ...merged, continuedText: null });
  }

  #replace(id: string): void {
    this.#replaced.add(id);
    this.#entries.delete(id);
  }

  /** Finds another message at the same position: one of them has replaced the other. */
  #findOther({ id, position }: StoredMessage): StoredMessage | null {
    for (const { message } of this.#entries.values())
      if (message.position === position && message.id !== id) return message;
    return null;
  }

  #sorted(): Entry[] {
    return [...this.#entries.values()].sort((a, b) => a.message.position - b.message.position);
  }
}
