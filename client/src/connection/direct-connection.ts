import { createClient } from 'graphql-ws';
import type { SubscribingClient } from '../follow-answer.js';
import { ParleyError } from '../parley-error.js';
import type { Session } from '../session/session.js';

/** A client of subscriptions that can be closed. It does not reconnect: its users subscribe again. */
export interface Connection extends SubscribingClient {
  close(): void;
}

/** The constructor of WebSocket. Node.js before version 22 has none: pass that of `ws`. */
export type WebSocketConstructor = new (url: string, protocol: string) => unknown;

const PING_INTERVAL_MS = 15_000;
const PONG_TIMEOUT_MS = 10_000;

/** Carries all subscriptions over one WebSocket, which is opened for the first and closed after the last. */
export function openWebSocket(session: Session, webSocketImpl?: WebSocketConstructor): Connection {
  const authorization = new Authorization(session);
  let pongTimeout: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: session.url.replace(/^http/, 'ws'),
    webSocketImpl,
    retryAttempts: 0,
    keepAlive: PING_INTERVAL_MS,
    connectionParams: () => authorization.getHeaders(),
    on: {
      // A connection that a sleeping device or a network has lost is not reported as closed.
      ping: (isReceived) => {
        if (!isReceived) pongTimeout = setTimeout(() => client.terminate(), PONG_TIMEOUT_MS);
      },
      pong: () => clearTimeout(pongTimeout),
      closed: () => clearTimeout(pongTimeout),
    },
  });
  return authorization.watch({
    subscribe: (payload, sink) => client.subscribe(payload, sink),
    close: () => void client.dispose(),
  });
}

/** Carries all subscriptions over one event stream. */
export async function openEventStream(session: Session): Promise<Connection> {
  const sse = await import('graphql-sse');
  const authorization = new Authorization(session);
  const client = sse.createClient({
    url: `${session.url}/stream`,
    singleConnection: true,
    retryAttempts: 0,
    headers: () => authorization.getHeaders(),
  });
  return authorization.watch({
    subscribe: (payload, sink) => client.subscribe(payload, sink),
    close: () => client.dispose(),
  });
}

/** The access token of a connection. */
class Authorization {
  #accessToken: string | null = null;

  constructor(private readonly session: Session) {}

  async getHeaders(): Promise<Record<string, string>> {
    this.#accessToken = await this.session.token();
    return this.#accessToken ? { authorization: `Bearer ${this.#accessToken}` } : {};
  }

  /** Tells the session if the server refuses the token. */
  watch(connection: Connection): Connection {
    const check = (error: unknown) => {
      const isRefusal = ParleyError.from(error).code === 'UNAUTHENTICATED';
      if (isRefusal && this.#accessToken) this.session.refuse(this.#accessToken);
    };
    return {
      close: () => connection.close(),
      subscribe: (payload, sink) =>
        connection.subscribe(payload, {
          next(result: { errors?: readonly unknown[] }) {
            if (result.errors) check(result);
            sink.next(result as never);
          },
          error(error) {
            check(error);
            sink.error(error);
          },
          complete: () => sink.complete(),
        }),
    };
  }
}
