/** The client's side of the wire, by hand and with little work: the client is not what is measured. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { WebSocket, type RawData } from 'ws';

/** How many sockets the followers share. */
export const SOCKETS = 50;

/** Opens the sockets, and hands them out in turns. */
export async function openSockets(
  url: string,
  onMessage: (data: string, socket: WebSocket) => void,
  protocol?: string,
): Promise<() => WebSocket> {
  const sockets = await Promise.all(
    Array.from({ length: SOCKETS }, async () => {
      const socket = new WebSocket(url.replace('http', 'ws'), protocol);
      socket.on('message', (data: RawData) => onMessage((data as Buffer).toString(), socket));
      await once(socket, 'open');
      return socket;
    }),
  );
  let turn = 0;
  return () => sockets[(turn += 1) % SOCKETS]!;
}

/** What a follower is given of an answer. */
export type OnText = (offset: number, text: string) => void;

const STREAM = `subscription ($id: ID!) { answerStream(answerId: $id) { __typename ... on AnswerDelta { offset text } } }`;

interface Message {
  id?: string;
  type: string;
  payload?: { data?: { answerStream: { offset?: number; text?: string } } };
}

/** Follows answers by the graphql-transport-ws protocol. The promise resolves at the answer's end. */
export async function openGraphQL(
  url: string,
  connectionParams: object,
): Promise<(answer: string, onText: OnText) => Promise<void>> {
  const handlers = new Map<string, (message: Message, socket: WebSocket) => void>();
  const acknowledged = Promise.withResolvers<void>();
  let waiting = SOCKETS;
  const next = await openSockets(
    url,
    (data, socket) => {
      const message = JSON.parse(data) as Message;
      if (message.id) handlers.get(message.id)?.(message, socket);
      else if (message.type === 'connection_ack' && (waiting -= 1) === 0) acknowledged.resolve();
    },
    'graphql-transport-ws',
  );
  for (let i = 0; i < SOCKETS; i += 1)
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
        // The end is said by an event; not every design completes the subscription after it.
        handlers.delete(id);
        socket.send(JSON.stringify({ id, type: 'complete' }));
        resolve();
      });
      next().send(JSON.stringify({ id, type: 'subscribe', payload: { query: STREAM, variables: { id: answer } } }));
    });
}

/** Lets go of connections before a server does, which would break what is being sent. */
const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS, timeout: 1_000 });

/** Posts an operation. @throws Error when it is answered with errors. */
export async function post<Data>(url: string, query: string, variables: object, token?: string): Promise<Data> {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const call = request(url, { method: 'POST', agent, headers }).end(JSON.stringify({ query, variables }));
  const [response] = (await once(call, 'response')) as [AsyncIterable<Buffer>];
  let body = '';
  for await (const bytes of response) body += bytes.toString();
  const { data, errors } = JSON.parse(body) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
