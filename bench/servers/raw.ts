/**
 * The minimal server for bench:requests and bench:exchange: node:http, ws and prepared statements, without GraphQL, limits
 * or an ORM. It checks the access token and the session, stores the same rows as Parley and makes the same provider calls.
 * Its responses contain the same data as those of Parley.
 */
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { WebSocketServer, type WebSocket } from 'ws';
import { openPostgresqlStore } from './raw-postgresql.js';
import { openSqliteStore } from './raw-sqlite.js';
import type { StoredExchange, Usage } from './raw-store.js';
import { verifyToken, type AccessClaims } from './raw-tokens.js';

/** As often as Parley saves the texts of running answers. */
const SAVE_INTERVAL_MS = 2_000;

interface LiveAnswer {
  ownerId: string;
  text: string;
  followers: { socket: WebSocket; id: string }[];
  finished: Promise<string>;
}

const url = process.env['DATABASE_URL']!;
const store = url.startsWith('sqlite:') ? openSqliteStore(url.slice('sqlite:'.length)) : openPostgresqlStore(url);
const agent = new Agent({ keepAlive: true });
const running = new Map<string, LiveAnswer>();

/** Operations by path. */
const operations: Record<string, (userId: string, input: Record<string, never>) => Promise<object>> = {
  '/me': async (userId) => ({ me: await store.getUser(userId) }),
  '/list': async (userId) => ({ conversations: await store.listConversations(userId) }),
  '/page': async (userId, { id }) => ({ conversation: await store.getConversation(userId, id!) }),
  '/ask': async (userId, { question, conversationId, stream }) => {
    const exchange = await store.addQuestion(userId, question!, conversationId ?? null);
    const live = await begin(exchange, userId, question!);
    const content = stream === false ? await live.finished : '';
    const status = stream === false ? 'COMPLETED' : 'STREAMING';
    return {
      askQuestion: {
        conversation: { id: exchange.conversationId },
        question: { id: exchange.questionId },
        answer: { id: exchange.answerId, status, content },
      },
    };
  },
};

const server = createServer((incoming, response) => {
  let body = '';
  incoming.on('data', (bytes: Buffer) => (body += bytes.toString()));
  incoming.on('end', () => {
    void respond(incoming, body, response).catch((error: Error) => {
      response.statusCode = 500;
      response.end(JSON.stringify({ errors: [error.message] }));
    });
  });
});

async function respond(incoming: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
  const viewer = await store.findViewer(verifyToken(incoming.headers.authorization));
  if (!viewer) throw new Error('The session has ended.');
  const data = await operations[incoming.url!]!(viewer.userId, JSON.parse(body) as Record<string, never>);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ data }));
}

new WebSocketServer({ server }).on('connection', (socket) => {
  let claims: AccessClaims | null = null;
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Record<'authorization' | 'answer' | 'id' | 'cancel', string>;
    if (message.authorization) {
      claims = verifyToken(message.authorization);
      socket.send('{"ready":true}');
    } else if (message.cancel) leave(socket, message.answer, message.cancel);
    else void follow(socket, message, claims!);
  });
});

/** Reads the session again, because it may have ended since the connection was opened. */
async function follow(
  socket: WebSocket,
  { answer, id }: { answer: string; id: string },
  claims: AccessClaims,
): Promise<void> {
  const viewer = await store.findViewer(claims);
  const live = running.get(answer);
  const { ownerId, text } = live ?? toLive(await store.findAnswer(answer));
  if (!viewer || ownerId !== viewer.userId) throw new Error('Answer not found.');
  if (text) socket.send(`{"id":"${id}","offset":0,"text":${JSON.stringify(text)}}`);
  if (live) live.followers.push({ socket, id });
  else socket.send(`{"id":"${id}","done":true}`);
}

const toLive = (row: { ownerId: string; content: string } | null) => ({ ownerId: row?.ownerId, text: row?.content });

function leave(socket: WebSocket, answer: string, id: string): void {
  const followers = running.get(answer)?.followers;
  const at = followers?.findIndex((follower) => follower.socket === socket && follower.id === id) ?? -1;
  if (at >= 0) followers!.splice(at, 1);
}

/** Starts to generate the answer, and the title of a new conversation. */
async function begin(exchange: StoredExchange, ownerId: string, question: string): Promise<LiveAnswer> {
  const { conversationId, answerId, position } = exchange;
  const finished = Promise.withResolvers<string>();
  const live: LiveAnswer = { ownerId, text: '', followers: [], finished: finished.promise };
  running.set(answerId, live);
  const messages = await store.readHistory(conversationId, position);
  callProvider({ stream: true, stream_options: { include_usage: true }, messages: messages.map(toPrompt) }, (call) => {
    call.on('response', (response) => {
      relay(response, live, (usage) => {
        void store.finishAnswer(exchange, ownerId, live.text, usage).then(() => {
          running.delete(answerId);
          for (const { socket, id } of live.followers) socket.send(`{"id":"${id}","done":true}`);
          finished.resolve(live.text);
        });
      });
    });
  });
  if (position === 1) generateTitle(conversationId, ownerId, question);
  return live;
}

const toPrompt = ({ role, content }: { role: string; content: string }) => ({ role: role.toLowerCase(), content });

function relay(response: IncomingMessage, live: LiveAnswer, onEnd: (usage: Usage) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let usage: Usage = { prompt_tokens: 0, completion_tokens: 0 };
  response.on('data', (bytes: Buffer) => {
    const lines = (rest + decoder.write(bytes)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (!line.startsWith('data: ') || line === 'data: [DONE]') continue;
      const chunk = JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[]; usage?: Usage };
      if (chunk.usage) usage = chunk.usage;
      const text = chunk.choices[0]?.delta.content;
      if (!text) continue;
      const event = `"offset":${live.text.length},"text":${JSON.stringify(text)}}`;
      for (const { socket, id } of live.followers) socket.send(`{"id":"${id}",${event}`);
      live.text += text;
    }
  });
  response.on('end', () => onEnd(usage));
}

function generateTitle(conversationId: string, ownerId: string, question: string): void {
  const messages = [{ role: 'user', content: question }];
  callProvider({ messages, response_format: { type: 'json_object' } }, (call) => {
    call.on('response', (response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => (body += bytes.toString()));
      response.on('end', () => {
        const { choices, usage } = JSON.parse(body) as { choices: { message: { content: string } }[]; usage: Usage };
        const { title } = JSON.parse(choices[0]!.message.content) as { title: string };
        void store.setTitle(conversationId, ownerId, title, usage);
      });
    });
  });
}

function callProvider(body: object, onCall: (call: ReturnType<typeof request>) => void): void {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer none' };
  const call = request(`${process.env['PROVIDER']}/chat/completions`, { method: 'POST', agent, headers });
  onCall(call);
  call.end(JSON.stringify({ model: 'bench', ...body }));
}

setInterval(() => {
  void store.saveTexts([...running].map(([id, { text }]) => ({ id, content: text })));
}, SAVE_INTERVAL_MS);

server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
