import { findLocks, isBrowser, openChannel } from '../environment.js';
import type { Session } from '../session/session.js';
import { openEventStream, openWebSocket, type Connection, type WebSocketConstructor } from './direct-connection.js';
import { LazyConnection } from './lazy-connection.js';
import { SharedConnection } from './shared-connection.js';

export interface ConnectionOptions {
  /** How events arrive. `sse` works where a network blocks WebSockets. Default: `websocket`. */
  transport?: 'websocket' | 'sse';
  /** Whether all tabs of the origin share a connection. Default: in pages, if the browser has Web Locks. */
  share?: boolean;
  /** The constructor of WebSocket. Node.js before version 22 has none: pass that of `ws`. */
  webSocketImpl?: WebSocketConstructor;
}

/** Opens the connection for the user who is signed in. */
export function openConnection(
  session: Session,
  { transport = 'websocket', share = isBrowser(), webSocketImpl }: ConnectionOptions,
): Connection {
  const open = () =>
    transport === 'sse' ? new LazyConnection(openEventStream(session)) : openWebSocket(session, webSocketImpl);
  const locks = share ? findLocks() : null;
  const name = `${session.key}:${session.user?.id}:${transport}`;
  const channel = locks && openChannel(name);
  return locks && channel ? new SharedConnection(name, open, locks, channel) : open();
}
