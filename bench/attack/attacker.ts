import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createMessage } from './frames.js';

export interface Reply {
  /** 0 if the connection was closed without a response. */
  status: number;
  /** `ok`, the code of the first error, or that of the network error. */
  code: string;
  body: string;
  bytes: number;
  milliseconds: number;
  headers: IncomingMessage['headers'];
}

export const PASSWORD = 'a password of the bench';

const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }';
const ASK = `mutation ($input: AskQuestionInput!) {
  askQuestion(input: $input) { conversation { id } question { id } answer { id } }
}`;

/** What an attacker waits for at most, so that no attack hangs. */
const TIMEOUT_MS = 30_000;

/** A client of one address, which sends what it likes. All its connections are closed when it is disposed of. */
export class Attacker implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #sockets = new Set<Socket>();

  /**
   * @param address the local address of its connections; each loopback address is a client of its own
   * @param now the clock for the times of responses
   */
  constructor(
    readonly url: string,
    readonly address: string,
    readonly token: string | null = null,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Registers an account. @returns a client of the same address with its token */
  async register(email = `${randomUUID()}@example.com`): Promise<Attacker> {
    const reply = await this.post(REGISTER, { input: { email, password: PASSWORD } });
    if (reply.code !== 'ok') throw new Error(`Could not register: ${reply.code} ${reply.body.slice(0, 200)}`);
    const { data } = JSON.parse(reply.body) as { data: { register: { accessToken: string } } };
    return new Attacker(this.url, this.address, data.register.accessToken, this.now);
  }

  /** Asks a question. @throws Error if it is refused */
  async ask(question: string, more: object = {}): Promise<{ conversation: string; question: string; answer: string }> {
    const reply = await this.tryToAsk(question, more);
    if (reply.code !== 'ok') throw new Error(`Could not ask: ${reply.code} ${reply.body.slice(0, 200)}`);
    type Ids = Record<'conversation' | 'question' | 'answer', { id: string }>;
    const {
      conversation,
      question: asked,
      answer,
    } = (JSON.parse(reply.body) as { data: { askQuestion: Ids } }).data.askQuestion;
    return { conversation: conversation.id, question: asked.id, answer: answer.id };
  }

  tryToAsk(question: string, more: object = {}): Promise<Reply> {
    return this.post(ASK, { input: { question, ...more } });
  }

  /** Posts an operation. Never rejects. */
  post(query: string, variables: object = {}): Promise<Reply> {
    return this.send({ body: JSON.stringify({ query, variables }) });
  }

  /** Sends a request. Never rejects. */
  send(options: {
    method?: string;
    path?: string;
    headers?: OutgoingHttpHeaders;
    body?: string | Buffer;
  }): Promise<Reply> {
    const { method = 'POST', path = '/graphql', headers, body } = options;
    const began = this.now();
    return new Promise((resolve) => {
      const fail = (code: string) =>
        resolve({ status: 0, code, body: '', bytes: 0, milliseconds: this.now() - began, headers: {} });
      const outgoing = request(`${this.url}${path}`, {
        method,
        agent: this.#agent,
        localAddress: this.address,
        headers: { 'content-type': 'application/json', ...this.#authorization, ...headers },
        timeout: TIMEOUT_MS,
      });
      outgoing.on('timeout', () => outgoing.destroy(Object.assign(new Error('timeout'), { code: 'timeout' })));
      outgoing.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
      outgoing.on('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (bytes: Buffer) => parts.push(bytes));
        response.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
        response.on('end', () => {
          const whole = Buffer.concat(parts);
          const text = whole.toString();
          resolve({
            status: response.statusCode!,
            code:
              /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? (response.statusCode! < 300 ? 'ok' : `${response.statusCode}`),
            body: text,
            bytes: whole.length,
            milliseconds: this.now() - began,
            headers: response.headers,
          });
        });
      });
      outgoing.end(body);
    });
  }

  /** Opens a TCP connection. */
  async connect(): Promise<Socket> {
    const { hostname, port } = new URL(this.url);
    const socket = this.#own(connect({ host: hostname, port: Number(port), localAddress: this.address }));
    await settle(once(socket, 'connect'));
    return socket;
  }

  /**
   * Opens a WebSocket and signs in, if there is a token. Resolves with its TCP connection, which is paused, so that nothing
   * more is read; it is destroyed if the server refused.
   */
  async openSocket(): Promise<Socket> {
    const outgoing = request(`${this.url}/graphql`, {
      agent: false,
      localAddress: this.address,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-protocol': 'graphql-transport-ws',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    });
    outgoing.on('response', (response) => response.destroy());
    outgoing.on('error', () => {});
    outgoing.end();
    const [, socket] = (await settle(once(outgoing, 'upgrade'))) as [IncomingMessage, Socket];
    this.#own(socket);
    socket.write(createMessage({ type: 'connection_init', payload: this.#authorization }));
    await settle(once(socket, 'data'));
    socket.pause();
    return socket;
  }

  /** Returns the bytes of a POST request. */
  createRequest(query: string, path = '/graphql', accept = 'application/json'): Buffer {
    const body = JSON.stringify({ query });
    const headers = {
      host: 'x',
      'content-type': 'application/json',
      accept,
      'content-length': body.length,
      ...this.#authorization,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  get #authorization(): { authorization?: string } {
    return this.token === null ? {} : { authorization: `Bearer ${this.token}` };
  }

  #own(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    return socket;
  }
}

/** Rejects when an event does not come in time. */
async function settle<T>(event: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error('The server does not respond.')), TIMEOUT_MS);
  try {
    return await Promise.race([event, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
