/**
 * An event of a subscription whose result depends only on its own leaf values: not on arguments, on the context or on
 * other objects. Its result can therefore be rendered from a template instead of being executed.
 */
export interface RenderableEvent {
  /** The results by template, shared by all subscribers with the same selection. */
  readonly rendered: Map<object, string>;
}

/** Takes renderable events while it is ready. */
export interface Receiver<E> {
  readonly isReady: boolean;
  take(event: E): void;
  whenReady(listener: () => void): void;
}

/** An example event and the names of its leaves, which hold values that no real event has: see ResultTemplate. */
export interface Specimen<E extends RenderableEvent> {
  readonly event: E;
  readonly leaves: readonly (keyof E & string)[];
}

/** The source of a subscription that can also push its renderable events, which saves a promise for each. */
export interface RelaySource<E extends RenderableEvent> extends AsyncGenerator<unknown, void> {
  /** One for each class of events. */
  readonly specimens: readonly Specimen<E>[];
  /** Pushes events, and resolves when there are no more to push; `next` returns the event that follows. */
  relay(receiver: Receiver<E>): Promise<void>;
}

export const isRelaySource = (source: object): source is RelaySource<RenderableEvent> => 'relay' in source;
