import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Opens a WebSocket that signs in with an access token. Resolves when the server has acknowledged it. */
export async function openSignedInSocket(
  serverUrl: string,
  accessToken: string,
): Promise<{ socket: WebSocket; /** Resolves with the close code. */ closed: Promise<number> }> {
  const socket = new WebSocket(`${serverUrl.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${accessToken}` } }));
  await once(socket, 'message');
  return { socket, closed: once(socket, 'close').then(([code]) => code as number) };
}
