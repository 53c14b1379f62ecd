import type { ResultTemplate } from './result-template.js';

/**
 * An event of a subscription whose result is made of its own leaf values and of nothing else: no argument, no context
 * and no other object has a part in it. Such a result need not be executed again for each event.
 */
export interface PlainEvent {
  /** What templates have made of it, for all who follow with the same selection. */
  readonly rendered: Map<ResultTemplate, string>;
}

/** Whoever takes plain events, as fast as it can: only while it is ready. */
export interface Receiver<E> {
  readonly isReady: boolean;
  take(event: E): void;
  whenReady(listener: () => void): void;
}

/** A subscription's source that can also push its plain events, which spares them a promise each. */
export interface RelaySource<E extends PlainEvent> extends AsyncGenerator<unknown, void> {
  /** An event whose leaves, named beside it, hold values that no real one has: see ResultTemplate. */
  readonly specimen: { event: E; leaves: readonly (keyof E & string)[] };
  /** Resolves when there is nothing to push (any more): what comes next is asked for by `next`. */
  relay(receiver: Receiver<E>): Promise<void>;
}

export const isRelaySource = (source: object): source is RelaySource<PlainEvent> => 'relay' in source;
