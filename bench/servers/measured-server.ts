import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { MeasuredProcess } from '../kit/measured-process.js';
import { JWT_SECRET } from '../kit/seed.js';
import { openGraphQLSocket, openRawSocket, type FollowerSocket } from './follower-socket.js';

const DOCUMENTS = {
  me: '{ me { id email name role createdAt updatedAt } }',
  list: `{ conversations(first: 20) { nodes { id title createdAt updatedAt
      lastMessage { id role status content createdAt } } pageInfo { hasNextPage } } }`,
  page: `query ($id: ID!) { conversation(id: $id) { id title messages(last: 50) {
      nodes { id position role status content createdAt finishedAt model usage { promptTokens completionTokens } }
      pageInfo { hasPreviousPage } } } }`,
  search: `{ conversations(first: 20, search: "zeppelin") { nodes { id title } } }`,
  ask: `mutation ($question: String!, $conversationId: ID, $stream: Boolean! = true) {
      askQuestion(input: { question: $question, conversationId: $conversationId, stream: $stream }) {
        conversation { id } question { id } answer { id status content } } }`,
};
export type OperationName = keyof typeof DOCUMENTS;

/** A running server, and the client side of its protocols. The data of all servers have the same form. */
export interface MeasuredServer {
  process: MeasuredProcess;
  /** Returns the body of the response. */
  send(operation: OperationName, variables: object, token: string): Promise<string>;
  /** Opens a WebSocket for the user of the token. */
  open(token: string): Promise<FollowerSocket>;
}

/** Where a server stores, and which provider it calls. */
export interface ServerOptions {
  databaseUrl: string;
  redisUrl: string | null;
  provider: string;
  /** An empty folder for the files of the server. */
  folder: string;
}

/** Closes idle connections before the server does, since a request that is sent meanwhile would fail. */
const agent = new Agent({ keepAlive: true, maxSockets: 250, timeout: 1_000 });

export const SERVERS = {
  raw: async (options: ServerOptions): Promise<MeasuredServer> => {
    const process = await startBaseline('raw', options);
    return {
      process,
      send: (operation, variables, token) => post(`${process.url}/${operation}`, variables, token),
      open: (token) => openRawSocket(process.url, token),
    };
  },
  usual: async (options: ServerOptions): Promise<MeasuredServer> =>
    toGraphQLServer(await startBaseline('usual', options)),
  /** The real server. */
  parley: async (options: ServerOptions): Promise<MeasuredServer> => {
    const { databaseUrl, redisUrl, provider, folder } = options;
    const settings = {
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: databaseUrl,
      ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
      JWT_SECRET,
      OPENAI_BASE_URL: provider,
      RATE_LIMIT_ASK: 'off',
      MAX_RUNNING_ANSWERS_PER_USER: '100000',
      MAX_RUNNING_ANSWERS: '100000',
      MAX_CONNECTIONS_PER_ADDRESS: '100000',
      MAX_SUBSCRIPTIONS_PER_CONNECTION: '100000',
      MAX_SUBSCRIPTIONS_PER_USER: '100000',
      LOG_LEVEL: 'error',
    };
    const main = join(import.meta.dirname, '../../src/main.js');
    return toGraphQLServer(await MeasuredProcess.start(main, settings, folder));
  },
};
export type ServerName = keyof typeof SERVERS;
export const SERVER_NAMES = Object.keys(SERVERS) as ServerName[];

const startBaseline = (name: string, { databaseUrl, provider, folder }: ServerOptions): Promise<MeasuredProcess> =>
  MeasuredProcess.start(
    join(import.meta.dirname, `${name}.js`),
    { DATABASE_URL: databaseUrl, PROVIDER: provider, JWT_SECRET },
    folder,
  );

function toGraphQLServer(process: MeasuredProcess): MeasuredServer {
  const url = `${process.url}/graphql`;
  return {
    process,
    send: (operation, variables, token) => post(url, { query: DOCUMENTS[operation], variables }, token),
    open: (token) => openGraphQLSocket(process.url, token),
  };
}

/** Returns the body of the response. @throws Error if the status is not 200 */
async function post(url: string, body: object, token: string): Promise<string> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const call = request(url, { method: 'POST', agent, headers }).end(JSON.stringify(body));
  // If the server dies, there may be a second error.
  call.on('error', () => {});
  const [response] = (await once(call, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  if (response.statusCode !== 200) throw new Error(`${url} responded ${response.statusCode}: ${text}`);
  return text;
}

/** The data of a response to `ask`. */
export interface Asked {
  conversationId: string;
  questionId: string;
  answerId: string;
  content: string;
}

/** Asks a question. @throws Error if the response contains errors */
export async function ask(
  server: MeasuredServer,
  token: string,
  variables: { question: string; conversationId?: string; stream?: boolean },
): Promise<Asked> {
  const text = await server.send('ask', variables, token);
  const { data } = JSON.parse(text) as {
    data: { askQuestion: Record<'conversation' | 'question' | 'answer', { id: string; content: string }> } | null;
  };
  if (!data) throw new Error(text);
  const { conversation, question, answer } = data.askQuestion;
  return {
    conversationId: conversation.id,
    questionId: question.id,
    answerId: answer.id,
    content: answer.content,
  };
}
