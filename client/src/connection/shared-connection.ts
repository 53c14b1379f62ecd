/**
 * One connection for all tabs of an origin. A browser allows six event streams to a server over HTTP/1.1, so tabs with a
 * stream each would block one another.
 *
 * 1. The tab that holds the leader's Web Lock owns the connection. When it closes, the browser gives the lock to another.
 * 2. The others send their subscriptions to it over a BroadcastChannel, and receive their events.
 * 3. A new leader announces itself, and the others subscribe again. Their sinks notice nothing but a repeated beginning.
 * 4. Each tab holds a lock of its own. When the leader gets that lock, the tab is gone, and its subscriptions end.
 */
import { createId, type Channel, type LockManager } from '../environment.js';
import type { Connection } from './direct-connection.js';

type Payload = Parameters<Connection['subscribe']>[0];
type Sink = Parameters<Connection['subscribe']>[1];

type Message =
  | { kind: 'leading' }
  | { kind: 'subscribe'; from: string; id: number; payload: Payload }
  | { kind: 'unsubscribe'; from: string; id: number }
  | { kind: 'next' | 'error'; to: string; id: number; value: unknown }
  | { kind: 'complete'; to: string; id: number };

type Role = { kind: 'joining' } | { kind: 'following' } | { kind: 'leading'; connection: Connection };

interface Subscription {
  payload: Payload;
  sink: Sink;
  /** Ends it on the connection of this tab, if this tab leads. */
  unsubscribe: () => void;
}

export class SharedConnection implements Connection {
  readonly #tab = createId();
  readonly #subscriptions = new Map<number, Subscription>();
  /** Of the leader: how to end the subscriptions of the other tabs. */
  readonly #served = new Map<string, Map<number, () => void>>();
  readonly #closed = new AbortController();
  readonly #resign = Promise.withResolvers<void>();
  #role: Role = { kind: 'joining' };
  #nextId = 0;

  /**
   * @param name the same in all tabs that share the connection
   * @param open opens the connection when this tab begins to lead
   */
  constructor(
    private readonly name: string,
    private readonly open: () => Connection,
    private readonly locks: LockManager,
    private readonly channel: Channel,
  ) {
    channel.addEventListener('message', ({ data }) => this.#receive(data as Message));
    this.#hold(`${name}:${this.#tab}`, () => this.#follow());
    this.#hold(name, () => this.#lead());
  }

  subscribe(payload: Payload, sink: Sink): () => void {
    const id = this.#nextId++;
    const subscription: Subscription = { payload, sink, unsubscribe: () => {} };
    this.#subscriptions.set(id, subscription);
    this.#start(id, subscription);
    return () => {
      if (!this.#subscriptions.delete(id)) return;
      subscription.unsubscribe();
      if (this.#role.kind === 'following') this.#send({ kind: 'unsubscribe', from: this.#tab, id });
    };
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    for (const id of this.#subscriptions.keys())
      if (this.#role.kind === 'following') this.#send({ kind: 'unsubscribe', from: this.#tab, id });
    this.#subscriptions.clear();
    this.#served.clear();
    if (this.#role.kind === 'leading') this.#role.connection.close();
    this.#closed.abort();
    this.#resign.resolve();
    this.channel.close();
  }

  /** Waits for a lock, and keeps it until this connection is closed. */
  #hold(name: string, onHeld: () => void): void {
    const { signal } = this.#closed;
    this.locks
      .request(name, { signal }, async () => {
        if (signal.aborted) return;
        onHeld();
        await this.#resign.promise;
      })
      // Aborted while it waited.
      .catch(() => {});
  }

  #follow(): void {
    if (this.#role.kind !== 'joining') return;
    this.#role = { kind: 'following' };
    this.#restart();
  }

  #lead(): void {
    this.#role = { kind: 'leading', connection: this.open() };
    this.#send({ kind: 'leading' });
    this.#restart();
  }

  #restart(): void {
    for (const [id, subscription] of [...this.#subscriptions]) this.#start(id, subscription);
  }

  #start(id: number, subscription: Subscription): void {
    const { query, variables } = subscription.payload;
    if (this.#role.kind === 'following')
      // A copy, because `variables` may have getters.
      this.#send({ kind: 'subscribe', from: this.#tab, id, payload: { query, variables: { ...variables } } });
    else if (this.#role.kind === 'leading')
      subscription.unsubscribe = this.#role.connection.subscribe(subscription.payload, {
        next: (value) => this.#subscriptions.get(id)?.sink.next(value),
        error: (error) => this.#take(id)?.sink.error(error),
        complete: () => this.#take(id)?.sink.complete(),
      });
  }

  #take(id: number): Subscription | undefined {
    const subscription = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    return subscription;
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'leading':
        if (this.#role.kind === 'following') this.#restart();
        break;
      case 'subscribe':
        if (this.#role.kind === 'leading')
          this.#serve(this.#role.connection, message.from, message.id, message.payload);
        break;
      case 'unsubscribe':
        this.#served.get(message.from)?.get(message.id)?.();
        break;
      case 'next':
        if (message.to === this.#tab) this.#subscriptions.get(message.id)?.sink.next(message.value as never);
        break;
      case 'error':
        if (message.to === this.#tab) this.#take(message.id)?.sink.error(message.value);
        break;
      case 'complete':
        if (message.to === this.#tab) this.#take(message.id)?.sink.complete();
    }
  }

  /** Runs the subscription of another tab. */
  #serve(connection: Connection, tab: string, id: number, payload: Payload): void {
    const served = this.#served.get(tab) ?? this.#welcome(tab);
    served.get(id)?.();
    let unsubscribe: (() => void) | null = null;
    const end = () => {
      if (served.get(id) === end) served.delete(id);
      unsubscribe?.();
    };
    served.set(id, end);
    const isCurrent = () => served.get(id) === end;
    unsubscribe = connection.subscribe(payload, {
      next: (value) => {
        if (isCurrent()) this.#send({ kind: 'next', to: tab, id, value });
      },
      error: (error) => {
        if (!isCurrent()) return;
        served.delete(id);
        this.#send({ kind: 'error', to: tab, id, value: toCloneable(error) });
      },
      complete: () => {
        if (!isCurrent()) return;
        served.delete(id);
        this.#send({ kind: 'complete', to: tab, id });
      },
    });
  }

  /** Waits until the tab is gone, then ends what it subscribed to. */
  #welcome(tab: string): Map<number, () => void> {
    const served = new Map<number, () => void>();
    this.#served.set(tab, served);
    this.locks
      .request(`${this.name}:${tab}`, { signal: this.#closed.signal }, async () => {
        this.#served.delete(tab);
        for (const end of [...served.values()]) end();
      })
      .catch(() => {});
    return served;
  }

  #send(message: Message): void {
    if (!this.#closed.signal.aborted) this.channel.postMessage(message);
  }
}

/** A CloseEvent cannot be sent to another tab. */
function toCloneable(error: unknown): unknown {
  if (Array.isArray(error)) return JSON.parse(JSON.stringify(error));
  const { code, message, response } = error as { code?: unknown; message?: unknown; response?: { status?: number } };
  return {
    code: typeof code === 'number' ? code : undefined,
    status: response?.status,
    message: typeof message === 'string' ? message : 'The connection was lost.',
  };
}
