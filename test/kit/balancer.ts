import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** How often instances are asked whether they are ready, in milliseconds. */
const CHECK = 100;

/**
 * What stands before many instances: each request and each socket goes to the next one, whoever it comes from. A
 * request that finds nobody listening goes to the one after, for nothing has come of it yet.
 */
export class Balancer implements AsyncDisposable {
  #turn = 0;
  /** Those that are left out for now. */
  #unready: ReadonlySet<string> = new Set();
  #checks: NodeJS.Timeout | null = null;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((incoming, response) => this.#forward(incoming, response, this.targets.length));

  private constructor(
    /** The addresses of the instances; they may come and go. */
    readonly targets: string[],
  ) {
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(incoming, socket, head, this.targets.length),
    );
  }

  static async start(targets: string[]): Promise<Balancer> {
    const balancer = new Balancer(targets);
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  /** From now on leaves out whoever /readyz says is not ready. */
  checkReadiness(): void {
    this.#checks ??= setInterval(() => void this.#check(), CHECK);
  }

  async #check(): Promise<void> {
    const targets = [...this.targets];
    const isReady = await Promise.all(
      targets.map((url) =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      ),
    );
    this.#unready = new Set(targets.filter((_, i) => !isReady[i]));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #next(): URL {
    this.#turn += 1;
    const ready = this.targets.filter((url) => !this.#unready.has(url));
    // As real ones do: where nobody is ready, anybody may be.
    const targets = ready.length > 0 ? ready : this.targets;
    return new URL(targets[this.#turn % targets.length]!);
  }

  #forward(incoming: IncomingMessage, response: ServerResponse, tries: number): void {
    const { hostname, port } = this.#next();
    const { method, headers, url: path } = incoming;
    // With a connection of its own.
    const outgoing = request({ agent: false, hostname, port, path, method, headers });
    outgoing.once('socket', (socket) => {
      socket.once('connect', () => incoming.pipe(outgoing));
      // Gone before anything was sent.
      socket.once('error', () => {
        if (tries > 1 && !socket.bytesWritten) this.#forward(incoming, response, tries - 1);
        else response.destroy();
      });
    });
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.statusMessage, answer.headers);
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    // The instance has hung up.
    outgoing.on('error', () => outgoing.socket?.bytesWritten && response.destroy());
    response.once('close', () => outgoing.destroy());
  }

  #upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer, tries: number): void {
    const { hostname, port } = this.#next();
    const target = connect(Number(port), hostname);
    let isConnected = false;
    target.once('connect', () => {
      isConnected = true;
      const lines = incoming.rawHeaders.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${incoming.rawHeaders[i + 1]}`]));
      target.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      target.write(head);
      socket.pipe(target).pipe(socket);
    });
    target.once('error', () => {
      if (!isConnected && tries > 1) this.#upgrade(incoming, socket, head, tries - 1);
      else socket.destroy();
    });
    socket.on('error', () => target.destroy());
    socket.once('close', () => target.destroy());
    target.once('close', () => isConnected && socket.destroy());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#checks ?? undefined);
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
