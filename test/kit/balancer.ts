import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** How often /readyz of each instance is requested. */
const CHECK_INTERVAL_MS = 100;

/**
 * A load balancer in front of several instances. Forwards each request and each socket to the next instance. If the
 * instance refuses the connection, it tries the one after, since nothing has been sent yet.
 */
export class Balancer implements AsyncDisposable {
  #turn = 0;
  /** Instances that receive no requests at the moment. */
  #unready: ReadonlySet<string> = new Set();
  #checks: NodeJS.Timeout | null = null;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((incoming, response) => this.#forward(incoming, response, this.targets.length));

  private constructor(
    /** The URLs of the instances. The list may change at any time. */
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

  /** From now on, forwards only to instances that are ready according to /readyz. */
  checkReadiness(): void {
    this.#checks ??= setInterval(() => void this.#check(), CHECK_INTERVAL_MS);
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
    // If no instance is ready, use all of them, as real load balancers do.
    const targets = ready.length > 0 ? ready : this.targets;
    return new URL(targets[this.#turn % targets.length]!);
  }

  #forward(incoming: IncomingMessage, response: ServerResponse, tries: number): void {
    const { hostname, port } = this.#next();
    const { method, headers, url: path } = incoming;
    // Without an agent, so that each request has a connection of its own.
    const outgoing = request({ agent: false, hostname, port, path, method, headers });
    outgoing.once('socket', (socket) => {
      socket.once('connect', () => incoming.pipe(outgoing));
      // The connection failed before anything was sent.
      socket.once('error', () => {
        if (tries > 1 && !socket.bytesWritten) this.#forward(incoming, response, tries - 1);
        else response.destroy();
      });
    });
    outgoing.once('response', (forwarded) => {
      response.writeHead(forwarded.statusCode!, forwarded.statusMessage, forwarded.headers);
      forwarded.pipe(response);
      forwarded.once('error', () => response.destroy());
    });
    // The instance closed the connection.
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
