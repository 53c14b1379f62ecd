/** The client side of the protocols. Written by hand to cost little, because the client is not measured. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { WebSocket, type RawData } from 'ws';

/** The number of sockets that the followers share. */
export const SOCKET_COUNT = 50;

/** Opens the sockets. Returns a function that returns each of them in turn. */
export async function openSockets(
  url: string,
  onMessage: (data: string, socket: WebSocket) => void,
  protocol?: string,
): Promise<() => WebSocket> {
  const sockets = await Promise.all(
    Array.from({ length: SOCKET_COUNT }, async () => {
      const socket = new WebSocket(url.replace('http', 'ws'), protocol);
      socket.on('message', (data: RawData) => onMessage((data as Buffer).toString(), socket));
      await once(socket, 'open');
      return socket;
    }),
  );
  let turn = 0;
  return () => sockets[(turn += 1) % SOCKET_COUNT]!;
}

/** Receives a piece of an answer. */
export type OnText = (offset: number, text: string) => void;

const STREAM = `subscription ($id: ID!) { answerStream(answerId: $id) { __typename ... on AnswerDelta { offset text } } }`;

interface Message {
  id?: string;
  type: string;
  payload?: { data?: { answerStream: { offset?: number; text?: string } } };
}

/** Returns a function that follows an answer over graphql-transport-ws and resolves when the answer is finished. */
export async function openGraphQL(
  url: string,
  connectionParams: object,
): Promise<(answer: string, onText: OnText) => Promise<void>> {
  const handlers = new Map<string, (message: Message, socket: WebSocket) => void>();
  const acknowledged = Promise.withResolvers<void>();
  let waiting = SOCKET_COUNT;
  const next = await openSockets(
    url,
    (data, socket) => {
      const message = JSON.parse(data) as Message;
      if (message.id) handlers.get(message.id)?.(message, socket);
      else if (message.type === 'connection_ack' && (waiting -= 1) === 0) acknowledged.resolve();
    },
    'graphql-transport-ws',
  );
  for (let i = 0; i < SOCKET_COUNT; i += 1)
    next().send(JSON.stringify({ type: 'connection_init', payload: connectionParams }));
  await acknowledged.promise;

  let ids = 0;
  return (answer, onText) =>
    new Promise((resolve, reject) => {
      const id = String((ids += 1));
      handlers.set(id, ({ type, payload }, socket) => {
        const event = payload?.data?.answerStream;
        if (type !== 'next' || !event) return reject(new Error(JSON.stringify({ type, payload })));
        if (event.text !== undefined) return onText(event.offset!, event.text);
        // An event marks the end. Not every design completes the subscription after it.
        handlers.delete(id);
        socket.send(JSON.stringify({ id, type: 'complete' }));
        resolve();
      });
      next().send(JSON.stringify({ id, type: 'subscribe', payload: { query: STREAM, variables: { id: answer } } }));
    });
}

/** Closes idle connections before the server does, since a request that is sent meanwhile would fail. */
const agent = new Agent({ keepAlive: true, maxSockets: SOCKET_COUNT, timeout: 1_000 });

/** Posts an operation. @throws Error if the response contains errors */
export async function post<Data>(url: string, query: string, variables: object, token?: string): Promise<Data> {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const call = request(url, { method: 'POST', agent, headers }).end(JSON.stringify({ query, variables }));
  // If the server dies, there may be a second error.
  call.on('error', () => {});
  const [response] = (await once(call, 'response')) as [AsyncIterable<Buffer>];
  let body = '';
  for await (const bytes of response) body += bytes.toString();
  const { data, errors } = JSON.parse(body) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
