import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How long responses may take to finish when the server closes. */
export const CLOSE_TIMEOUT_MS = 1_000;

/** Closes a server: idle connections at once, the others when their response is sent or the timeout has passed. */
export function closeGracefully(server: Server): AsyncDisposable {
  // Includes WebSockets, which node:http no longer tracks after the upgrade.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timeout = setTimeout(() => sockets.forEach((socket) => socket.destroy()), CLOSE_TIMEOUT_MS);
      await closed;
      clearTimeout(timeout);
    },
  };
}
