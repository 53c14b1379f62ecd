/** The clients of bench:idle, in a process of their own: opens COUNT signed-in WebSockets and leaves them idle. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** How many connect at once. */
const CONCURRENCY = 20;

const { URL: url = '', TOKEN: token = '', COUNT: count = '0' } = process.env;

/** One address may have 500 connections, so each hundred has a loopback address of its own. */
const getAddress = (index: number): string => `127.0.1.${1 + Math.floor(index / 100)}`;

let next = 0;

async function open(): Promise<void> {
  while (next < Number(count)) {
    const localAddress = getAddress(next);
    next += 1;
    const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', {
      localAddress,
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    await once(socket, 'message');
    socket.once('close', (code) => {
      throw new Error(`A WebSocket was closed with ${code}.`);
    });
  }
}

await Promise.all(Array.from({ length: CONCURRENCY }, open));
process.send!('open');
process.on('disconnect', () => process.exit());
