/** A WebSocket of one user that follows answers, in the protocol of each server. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { OnText } from '../kit/sockets.js';

export interface Following {
  /** Resolves when the answer is finished. */
  finished: Promise<void>;
  /** Unsubscribes. */
  leave(): void;
}

export interface FollowerSocket {
  follow(answer: string, onText: OnText): Following;
  close(): void;
}

const STREAM = `subscription ($id: ID!) { answerStream(answerId: $id) { __typename ... on AnswerDelta { offset text } } }`;

interface GraphQLMessage {
  id?: string;
  type: string;
  payload?: { data?: { answerStream: { offset?: number; text?: string } } };
}

/** graphql-transport-ws. */
export async function openGraphQLSocket(url: string, token: string): Promise<FollowerSocket> {
  const socket = await open(`${url}/graphql`, 'graphql-transport-ws');
  const handlers = new Map<string, (message: GraphQLMessage) => void>();
  const acknowledged = Promise.withResolvers<void>();
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as GraphQLMessage;
    if (message.id) handlers.get(message.id)?.(message);
    else if (message.type === 'connection_ack') acknowledged.resolve();
  });
  const send = (message: object) => socket.send(JSON.stringify(message));
  send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  await acknowledged.promise;

  let ids = 0;
  return {
    follow(answer, onText) {
      const id = String((ids += 1));
      const finished = Promise.withResolvers<void>();
      const leave = () => {
        handlers.delete(id);
        send({ id, type: 'complete' });
      };
      handlers.set(id, ({ type, payload }) => {
        const event = payload?.data?.answerStream;
        if (type !== 'next' || !event) return finished.reject(new Error(JSON.stringify({ type, payload })));
        if (event.text !== undefined) return onText(event.offset!, event.text);
        // An event marks the end. Not every server completes the subscription after it.
        leave();
        finished.resolve();
      });
      send({ id, type: 'subscribe', payload: { query: STREAM, variables: { id: answer } } });
      return { finished: finished.promise, leave };
    },
    close: () => socket.close(),
  };
}

/** The protocol of raw.ts. */
export async function openRawSocket(url: string, token: string): Promise<FollowerSocket> {
  const socket = await open(url);
  const handlers = new Map<string, (message: { offset: number; text: string; done?: boolean }) => void>();
  const ready = Promise.withResolvers<void>();
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { id: string; offset: number; text: string; done?: boolean };
    if (message.id) handlers.get(message.id)?.(message);
    else ready.resolve();
  });
  const send = (message: object) => socket.send(JSON.stringify(message));
  send({ authorization: `Bearer ${token}` });
  await ready.promise;

  let ids = 0;
  return {
    follow(answer, onText) {
      const id = String((ids += 1));
      const finished = Promise.withResolvers<void>();
      handlers.set(id, ({ offset, text, done }) => {
        if (!done) return onText(offset, text);
        handlers.delete(id);
        finished.resolve();
      });
      send({ answer, id });
      return {
        finished: finished.promise,
        leave() {
          handlers.delete(id);
          send({ cancel: id, answer });
        },
      };
    },
    close: () => socket.close(),
  };
}

async function open(url: string, protocol?: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace('http', 'ws'), protocol);
  await once(socket, 'open');
  return socket;
}
