import {
  mergeMessage,
  type KnownMessage,
  type MergeableMessage,
  type MergeableProduct,
  type MergeableToolCall,
} from '../chat/merge-message.js';

/** What is known of the least recently used messages is forgotten beyond this number. */
const MAX_MESSAGES = 500;

/**
 * Merges the messages in results with what is known of them, before a cache stores them. A cache would otherwise put a
 * text that was read earlier, and arrives later, in the place of a longer one.
 */
export class ResultMerger {
  readonly #known = new Map<string, KnownMessage<MergeableMessage>>();
  #time = 0;

  /** Returns the time at which a request begins. */
  begin(): number {
    return (this.#time += 1);
  }

  get(id: string): MergeableMessage | null {
    return this.#known.get(id)?.message ?? null;
  }

  /** Returns the result with all its messages merged. @param begunAt when its request began */
  merge<T>(result: T, begunAt: number): T {
    if (Array.isArray(result)) return result.map((item: unknown) => this.merge(item, begunAt)) as T;
    if (typeof result !== 'object' || result === null) return result;
    const entries = Object.entries(result).map(([key, value]) => [key, this.merge(value as unknown, begunAt)]);
    const merged = Object.fromEntries(entries) as T;
    return isMessage(merged) ? this.#mergeMessage(merged, begunAt) : merged;
  }

  /** Applies a delta. Returns the message with its text so far, or null if it has ended meanwhile. */
  grow(id: string, part: 'content' | 'reasoning', delta: { offset: number; text: string }): MergeableMessage | null {
    const known = this.#known.get(id);
    const before = known?.message[part] ?? '';
    // The beginning of the text is unknown.
    if (before.length < delta.offset) return null;
    if (!this.#isGrowing(id)) return null;
    return this.#growTo({ id, status: 'STREAMING', [part]: before.slice(0, delta.offset) + delta.text });
  }

  /** Applies a look-up that has begun or ended. Returns the message with it, or null if the message has ended meanwhile. */
  changeCall(id: string, call: MergeableToolCall): MergeableMessage | null {
    return this.#isGrowing(id) ? this.#growTo({ id, status: 'STREAMING', toolCalls: [call] }) : null;
  }

  /** Applies a product that the answer shows. Returns the message with it, or null if the message has ended meanwhile. */
  showProduct(id: string, product: MergeableProduct): MergeableMessage | null {
    return this.#isGrowing(id) ? this.#growTo({ id, status: 'STREAMING', products: [product] }) : null;
  }

  #isGrowing(id: string): boolean {
    return (this.get(id)?.status ?? 'STREAMING') === 'STREAMING';
  }

  #growTo(grown: MergeableMessage): MergeableMessage {
    const now = this.begin();
    const merged = mergeMessage(this.#known.get(grown.id), grown, now, now);
    this.#remember(grown.id, merged);
    return merged.message;
  }

  #mergeMessage<T extends MergeableMessage>(incoming: T, begunAt: number): T {
    const merged = mergeMessage(this.#known.get(incoming.id), incoming, begunAt, this.begin());
    this.#remember(incoming.id, merged);
    // Only the selected fields: a cache would complain about others.
    const fields = Object.keys(incoming).map((key) => {
      const value = (merged.message as unknown as Record<string, unknown>)[key];
      return [key, value === undefined ? (incoming as unknown as Record<string, unknown>)[key] : value];
    });
    return Object.fromEntries(fields) as T;
  }

  #remember(id: string, known: KnownMessage<MergeableMessage>): void {
    this.#known.delete(id);
    this.#known.set(id, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_MESSAGES && oldest !== undefined) this.#known.delete(oldest);
  }
}

const isMessage = (value: unknown): value is MergeableMessage =>
  typeof value === 'object' &&
  value !== null &&
  '__typename' in value &&
  value.__typename === 'Message' &&
  'id' in value &&
  typeof value.id === 'string';
