import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How many requests of one connection may wait for their turn. Hardly any client sends a second one early. */
const MAX_WAITING = 32;

/** The responses of a connection that have not been sent yet, oldest first. */
type Waiting = (() => void)[];

/**
 * Handles the requests of each connection one after the other (HTTP/1.1 pipelining), as their responses have to be sent.
 * Otherwise a client could have any number of results computed and kept by sending requests without reading responses.
 */
export function inTurn(listener: (request: IncomingMessage, response: ServerResponse) => void): RequestListener {
  const waitingBySocket = new WeakMap<Socket, Waiting>();
  return (request, response) => {
    const { socket } = request;
    const handle = () => {
      response.once('close', () => {
        const waiting = waitingBySocket.get(socket);
        const next = waiting?.shift();
        if (next && !socket.destroyed) next();
        else waitingBySocket.delete(socket);
      });
      listener(request, response);
    };
    const waiting = waitingBySocket.get(socket);
    if (!waiting) {
      waitingBySocket.set(socket, []);
      handle();
    } else if (waiting.length < MAX_WAITING) waiting.push(handle);
    else socket.destroy();
  };
}
